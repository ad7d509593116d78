// The tests of crates/resilient-form/src/browser/storage_tests.rs, each in a page and a storage of its own.
import { test, expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { join, resolve } from "node:path";

const folder = process.env["STORAGE_TESTS_DIR"] ?? resolve(import.meta.dirname, "../../target/storage-tests");
const files: Record<string, string> = { "/storage_tests.js": "text/javascript", "/storage_tests_bg.wasm": "application/wasm" };

const source = readFileSync(resolve(import.meta.dirname, "../../crates/resilient-form/src/browser/storage_tests.rs"), "utf8");
const written = [...source.matchAll(/^pub async fn (\w+)\(\)/gm)].map(([, name]) => name!);

/** The module's functions; one that is written and was not built is a test that fails. */
const names = (() => {
  try {
    const script = readFileSync(join(folder, "storage_tests.js"), "utf8");
    return [...script.matchAll(/^export function (\w+)\(\) \{/gm)].map(([, name]) => name!);
  } catch {
    return [];
  }
})();

let server: Server;
let origin: string;

test.beforeAll(async () => {
  server = createServer(({ url = "" }, answer) => {
    const type = files[url];
    // Where nothing may be stored, the page has no origin: the module comes from another one.
    if (url === "/forbidden") answer.setHeader("Content-Security-Policy", "sandbox allow-scripts");
    answer.setHeader("Access-Control-Allow-Origin", "*");
    answer.setHeader("Content-Type", type ?? "text/html");
    answer.end(type ? readFileSync(join(folder, url)) : "<!DOCTYPE html><title>What the device keeps</title>");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});

test.afterAll(() => server.close());

test("the tests of what the device keeps are built", () => {
  expect(written).not.toEqual([]);
  expect(names.toSorted(), "cargo xtask test stories builds them; #[wasm_bindgen] exports them").toEqual(written.toSorted());
});

for (const name of names) {
  test(name.replaceAll("_", " "), async ({ page }) => {
    if (name.startsWith("without_indexeddb_")) {
      await page.addInitScript(() => Object.defineProperty(window, "indexedDB", { value: undefined }));
    }
    await page.goto(`${origin}/${name.startsWith("forbidden_") ? "forbidden" : ""}`);
    await letStorageBeLimited(page);
    // What fails behind an await is an error of the page and no answer.
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    const passed = page.evaluate(
      async ([folder, name]) => {
        const tests = await import(`${folder}/storage_tests.js`);
        await tests.default({ module_or_path: `${folder}/storage_tests_bg.wasm` });
        await tests[name!]();
      },
      [origin, name],
    );
    await Promise.race([passed, failed]);
  });
}

/** The browser is told that this origin has room for a short text. */
async function letStorageBeLimited(page: Page): Promise<void> {
  const browser = await page.context().newCDPSession(page);
  await page.exposeFunction("limitStorage", () => browser.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 200_000 }));
}
