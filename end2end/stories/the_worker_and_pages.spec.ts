// What is kept of pages and files, and what they are answered with: the service worker without a browser.
import { expect, test } from "@playwright/test";
import { Worker } from "../fixtures/worker_world.ts";

const record = "/records/activities/1";

async function withRecordKept(): Promise<Worker> {
  const worker = new Worker();
  await worker.installs();
  worker.server.account = "ada";
  await worker.opens(record);
  worker.server.asked.length = 0;
  return worker;
}

/** What is answered only when a test says so. */
function held(worker: Worker, path: string): { answer(): void } {
  const waiting: (() => void)[] = [];
  worker.server.instead = ({ url }) =>
    url.pathname === path ? new Promise((over) => waiting.push(() => over(worker.server.page(`${path}, late`)))) : undefined;
  return { answer: () => waiting.splice(0).forEach((over) => over()) };
}

test("an answer that is not the server's deletes no copy, and is not shown in its place where it says that nothing is there", async () => {
  const worker = await withRecordKept();
  for (const status of [404, 502, 530]) {
    worker.server.instead = () => new Response("default backend", { status });
    expect(await worker.opensLate(record), String(status)).toContain(`${record} of ada`);
  }
  for (const status of [403, 410]) {
    worker.server.instead = () => new Response("blocked", { status });
    expect(await worker.opens(record)).toContain("blocked");
  }
  // A network that wants its own sign-in first.
  worker.server.instead = () => new Response(null, { status: 302, headers: { location: "/portal" } });
  await worker.opens(record);
  expect(worker.storage.pagesOf("ada")).toContain(record);
  worker.server.instead = () => worker.server.page("no such record", 404);
  expect(await worker.opens(record)).toContain("no such record");
  expect(worker.storage.pagesOf("ada")).not.toContain(record);
});

test("where text of records is not to lie on the device, only the page that stands in for theirs does", async () => {
  const worker = new Worker({ keeps_records: false });
  await worker.installs();
  worker.server.account = "ada";
  await worker.opens(record);
  await worker.opens("/records/activities");
  expect(worker.storage.pagesOf("ada")).toEqual(["/offline"]);
  worker.server.isAway = true;
  expect(await worker.opensLate(record)).toContain("/offline of ada");
});

test("a form that has made its record is not shown as one that has not", async () => {
  const worker = await withRecordKept();
  const form = "/records/activities/new?form=12-ab";
  await worker.opens(form);
  expect(worker.storage.pagesOf("ada")).toContain(form);
  worker.server.instead = ({ url }) => (url.pathname.endsWith("/new") ? new Response(null, { status: 303, headers: { location: record } }) : undefined);
  await worker.opens(form);
  expect(worker.storage.pagesOf("ada")).not.toContain(form);
});

test("a page in the place of a file is not kept as one", async () => {
  const worker = new Worker();
  worker.server.instead = ({ url }) => (url.pathname.startsWith("/pkg/") ? new Response("<h1>portal</h1>", { headers: { "content-type": "text/html" } }) : undefined);
  await expect(worker.installs()).rejects.toThrow("/pkg/a");
  expect(worker.storage.kept.get("inkfast-assets-b1")?.size ?? 0).toBe(0);
  worker.server.instead = ({ url }) => (url.pathname === "/offline" ? new Response("<h1>portal</h1>") : undefined);
  await expect(worker.installs()).rejects.toThrow("/offline");
});

test("whoever asks for a file anew gets it from the server, and it replaces what was kept", async () => {
  const worker = await withRecordKept();
  const name = "/pkg/a.0123456789abcdef.js";
  worker.storage.kept.get("inkfast-assets-b1")!.set(name, new Response("broken"));
  const ask = async (more: object, query = "") => (await worker.sends("GET", name + query, "cors", more).answer).text();
  expect(await ask({})).toBe("broken");
  expect(await ask({}, "?1")).toBe("{}");
  expect(await ask({ cache: "reload" })).toBe("{}");
  worker.server.isAway = true;
  expect(await ask({ cache: "reload" })).toBe("{}");
  expect(await ask({})).toBe("{}");
});

test("a slow server is asked once, and its answer is handed over with the time it was asked for", async () => {
  const worker = await withRecordKept();
  const late = held(worker, record);
  const { answer } = worker.sends("GET", record);
  await worker.settles();
  const askedAt = Date.now();
  await worker.passes(4_000);
  const copy = await (await answer).text();
  expect(copy).toContain("has not answered for 4 s");
  const url = `http://127.0.0.1${record}`;
  await worker.hears({ type: "ask", url });
  await worker.passes(8_000);
  late.answer();
  await worker.settles();
  expect(worker.server.asked.filter((asked) => asked === `GET ${record}`)).toHaveLength(1);
  await worker.hears({ type: "release", url });
  const handed = await worker.opens(record);
  expect(handed).toContain(`${record}, late`);
  expect(worker.server.asked.filter((asked) => asked === `GET ${record}`)).toHaveLength(1);
  const said = Number(/data-asked-at="(\d+)"/.exec(handed)?.[1]);
  expect(said).toBeLessThanOrEqual(askedAt);
});

test("a page is kept as it is after a save, not as a slow request from before found it", async () => {
  const worker = await withRecordKept();
  held(worker, record);
  worker.sends("GET", record);
  await worker.settles();
  worker.server.instead = () => worker.server.page("after the save");
  await worker.hears({ type: "keep", url: `http://127.0.0.1${record}` });
  worker.server.isAway = true;
  expect(await worker.opensLate(record)).toContain("after the save");
});

test("a request that never ends holds up the next one no longer than a page is waited for", async () => {
  const worker = await withRecordKept();
  held(worker, record);
  worker.sends("GET", record);
  await worker.passes(4_000);
  const url = `http://127.0.0.1${record}`;
  worker.server.instead = () => undefined;
  await worker.hears({ type: "ask", url });
  await worker.passes(22_000);
  await worker.hears({ type: "ask", url });
  expect(worker.server.asked.filter((asked) => asked === `GET ${record}`)).toHaveLength(2);
});
