// What the first visit to an edit page transfers: the real server on loopback with its demonstration database, signed
// in, the page and each file it names, in brotli. Fails above the budget.
//
//   node transfer.mjs {inkfast} {site folder} {budget in bytes}
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { brotliDecompressSync } from "node:zlib";

const [program, site, budget] = process.argv.slice(2);
const password = "only for this measurement";

const freePort = () =>
  new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

const port = await freePort();
const folder = await mkdtemp(join(tmpdir(), "inkfast-transfer-"));
const server = spawn(program, [], {
  cwd: folder,
  stdio: ["ignore", "ignore", "inherit"],
  env: {
    PATH: process.env.PATH,
    RUST_LOG: "error",
    INKFAST_LISTEN: `127.0.0.1:${port}`,
    INKFAST_PUBLIC_URL: `http://127.0.0.1:${port}`,
    INKFAST_DATA_DIR: folder,
    INKFAST_ADMIN_PASSWORD: password,
    INKFAST_SITE_DIR: site,
  },
});

// The body's bytes as they cross the wire, and what they stand for.
const ask = (path, { method = "GET", headers = {}, body } = {}) =>
  new Promise((answered, failed) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers: { "accept-encoding": "br", ...headers } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", failed);
      answer.on("end", () => {
        const sent = Buffer.concat(parts);
        const whole = answer.headers["content-encoding"] === "br" ? brotliDecompressSync(sent) : sent;
        answered({ status: answer.statusCode, headers: answer.headers, sent: sent.length, whole });
      });
    });
    asked.on("error", failed);
    asked.end(body);
  });

async function serves() {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`inkfast ended with ${server.exitCode}`);
    const ready = await ask("/readyz").catch(() => undefined);
    if (ready?.status === 200) return;
    await pause(50);
  }
}

async function page(path, cookie) {
  const answer = await ask(path, { headers: { cookie, accept: "text/html" } });
  if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}`);
  return answer;
}

const bytes = (number) => String(number).padStart(9);

async function measure() {
  await serves();
  const signedIn = await ask("/login", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: `http://127.0.0.1:${port}` },
    body: new URLSearchParams({ username: "admin", password }).toString(),
  });
  const cookie = (signedIn.headers["set-cookie"] ?? []).map((set) => set.split(";")[0]).join("; ");
  const list = (await page("/records/activities", cookie)).whole.toString();
  const address = list.match(/href="(\/records\/activities\/[^"?/]+)"/g)?.map((link) => link.slice(6, -1)).find((link) => !link.endsWith("/new"));
  if (!address) throw new Error("the demonstration has no record to edit");
  const edit = await page(address, cookie);
  const html = edit.whole.toString();
  if (!html.includes("data-resilient-form")) throw new Error(`${address} is no edit page`);
  const named = new Set(html.match(/\/pkg\/[^"' ]+/g));
  const rows = [[`${address} (HTML with its inline scripts)`, edit.whole.length, edit.sent]];
  for (const path of named) {
    const file = await ask(path);
    if (file.status !== 200) throw new Error(`${path} answers ${file.status}`);
    rows.push([path, file.whole.length, file.sent]);
  }
  return rows;
}

try {
  const rows = await measure();
  const sum = rows.reduce(([whole, sent], row) => [whole + row[1], sent + row[2]], [0, 0]);
  console.log("An edit page, cold: bytes as they are, bytes sent");
  for (const [name, whole, sent] of [...rows, ["together", ...sum]]) console.log(`${bytes(whole)} ${bytes(sent)}  ${name}`);
  if (sum[1] > Number(budget)) {
    console.error(`That is more than the budget of ${budget} bytes.`);
    process.exitCode = 1;
  }
} finally {
  server.kill("SIGTERM");
  await rm(folder, { recursive: true, force: true });
}
