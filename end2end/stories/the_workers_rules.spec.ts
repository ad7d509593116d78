// What the service worker keeps, forgets and shows: its rules alone, without a browser.
import { expect, test } from "@playwright/test";
import { type Kept, rules } from "../fixtures/worker_rules.ts";

const url = (path: string) => new URL(path, "http://127.0.0.1");

test("a record is one page however it was come to; lists differ by what they show", () => {
  const places = {
    "/": "/",
    "/records/activities": "/records/activities",
    "/records/activities?page=2&sort=-a": "/records/activities?page=2&sort=-a",
    "/records/activities/1": "/records/activities/1",
    "/records/activities/1?saved=abc": "/records/activities/1",
    "/records/activities/new?form=12-ab": "/records/activities/new?form=12-ab",
    "/records/activities/new": undefined,
    "/records/activities/1/history": undefined,
    "/records/activities/1/delete": undefined,
    "/drafts": undefined,
    "/monitoring": undefined,
    "/login": undefined,
  };
  for (const [path, place] of Object.entries(places)) expect(rules.placeOf(url(path)), path).toBe(place);
});

test("what says more than the record is not kept", () => {
  for (const path of ["/records/a/1?saved=x", "/records/a/1?restore=1-w&columns=b"]) expect(rules.isOneOff(url(path))).toBe(true);
  for (const path of ["/records/a/1", "/records/a?q=saved", "/records/a/new?form=x"]) expect(rules.isOneOff(url(path))).toBe(false);
});

test("programs' addresses are left to the network", () => {
  for (const path of ["/api/drafts/a/1", "/events", "/drafts/export", "/export/a", "/health", "/pkg/inkfast.js", "/sw.js"]) {
    expect(rules.isPage(path), path).toBe(false);
  }
  for (const path of ["/", "/drafts", "/records/api/1", "/login", "/monitoring"]) expect(rules.isPage(path), path).toBe(true);
});

test("a gateway's failure is one of the way; Inkfast's own is an answer", () => {
  const ours = { "inkfast-page": "build" };
  for (const status of [502, 503, 504]) {
    expect(rules.isAway(new Response("", { status }))).toBe(true);
    expect(rules.isAway(new Response("", { status, headers: ours }))).toBe(false);
  }
  for (const status of [200, 404, 500]) expect(rules.isAway(new Response("", { status }))).toBe(false);
  // A balancer's, of a page that we would mark.
  expect(rules.isAway(new Response("", { status: 404 }), "/records/a/1")).toBe(true);
  expect(rules.isAway(new Response("", { status: 404, headers: ours }), "/records/a/1")).toBe(false);
  expect(rules.isAway(new Response("", { status: 530 }))).toBe(true);
});

test("the oldest go first, by number and by size, and what is too old or cannot be drawn any more goes anyway", () => {
  const page = (at: number, bytes = 1, build = "b"): Kept => ({ place: `/records/a/${at}`, at, bytes, build });
  const many = Array.from({ length: rules.most.pages + 2 }, (_, at) => page(at));
  expect(rules.surplus(many, undefined, 1_000).sort()).toEqual(["/records/a/0", "/records/a/1"]);
  const large = [page(3, rules.most.bytes / 2), page(1, rules.most.bytes / 2), page(2, rules.most.bytes / 2)];
  expect(rules.surplus(large, undefined, 1_000)).toEqual(["/records/a/1"]);
  expect(rules.surplus([page(0), page(5)], undefined, rules.most.age)).toEqual(["/records/a/0"]);
  expect(rules.surplus([page(1, 1, "gone"), page(2)], new Set(["b"]), 3)).toEqual(["/records/a/1"]);
});

test("the assets of this and of the last build stay", () => {
  expect(rules.outdatedBuilds(["a", "b", "c", "d"], "d")).toEqual(["a", "b"]);
  expect(rules.outdatedBuilds(["c", "d"], "d")).toEqual([]);
  expect(rules.outdatedBuilds(["d"], "d")).toEqual([]);
  // Back to an earlier one.
  expect(rules.outdatedBuilds(["a", "b"], "a")).toEqual([]);
});

test("the time is the device's, with the day where it was another one", () => {
  const at = new Date(2026, 10, 26, 9, 5).getTime();
  expect(rules.timeWords(at, at + 60_000)).toBe("09:05");
  expect(rules.timeWords(at, at + 24 * 3_600_000)).toBe("09:05 on 26 November");
});

const writer = "0123456789abcdef0123456789abcdef";
const drawn = (more = "") =>
  `<!DOCTYPE html><html lang="en" data-build="b"><head><title>x</title><script>"form[data-resilient-form]"</script></head><body><main id="content" class="content">` +
  `<form method="post" data-resilient-form="" data-writer="${writer}"${more}><input type="hidden" name="_id" value="11111111-1111-4111-8111-111111111111" autocomplete="off">` +
  `<input type="hidden" name="_version" value="v1"><input type="hidden" name="_writer" value="${writer}"></form></main></body></html>`;
const showing = { at: 1_000, now: 2_000, writer: "f".repeat(32), id: "22222222-2222-4222-8222-222222222222" };

test("each showing of a copy is a page load of its own, on the version it was drawn with", () => {
  const copy = rules.asCopy(drawn(), showing);
  expect(copy).not.toContain(writer);
  expect(copy?.split(showing.writer)).toHaveLength(3);
  expect(copy).toContain(`name="_id" value="${showing.id}"`);
  expect(copy).toContain('name="_version" value="v1"');
  expect(copy).toContain('<html data-saved-copy="1000" data-asked-at="1000" lang="en"');
  expect(copy).toMatch(/<main id="content" class="content"><div class="notices"><div class="notice[^>]*data-copy-notice="">/);
  expect(copy).toContain("What you type is kept");
});

test("a list is no form", () => {
  const list = drawn().replace(/<form.*<\/form>/, "<p>data-is-new</p>");
  expect(rules.asCopy(list, showing)).not.toContain("What you type");
});

test("the form of a new record keeps its id: it is made once", () => {
  expect(rules.asCopy(drawn(' data-is-new=""'), showing)).toContain('name="_id" value="11111111-1111-4111-8111-111111111111"');
});

test("what cannot be made a page load of its own is not shown", () => {
  expect(rules.asCopy(drawn().replace("data-writer", "data-else"), showing)).toBeUndefined();
  expect(rules.asCopy(drawn().replace('name="_id"', 'name="else"'), showing)).toBeUndefined();
  expect(rules.asCopy("<p>no page</p>", showing)).toBeUndefined();
});

test("a server that is slow is not called unreachable", () => {
  expect(rules.asCopy(drawn(), { ...showing, isSlow: true })).toContain("has not answered for 4 s");
  expect(rules.asCopy(drawn(), { ...showing, isSlow: true })).not.toContain("cannot be reached");
  expect(rules.asCopy(drawn(), showing)).toContain("cannot be reached");
});

test("a page in a file's place is no file", () => {
  const answered = (type: string, status = 200) => new Response("", { status, headers: { "content-type": type } });
  expect(rules.isAsset(answered("text/javascript; charset=utf-8"), "/pkg/a.0123456789abcdef.js")).toBe(true);
  expect(rules.isAsset(answered("application/wasm"), "/pkg/a.wasm")).toBe(true);
  expect(rules.isAsset(answered("text/css"), "/pkg/a.css")).toBe(true);
  for (const path of ["/pkg/a.js", "/pkg/a.wasm", "/pkg/a.css"]) expect(rules.isAsset(answered("text/html"), path), path).toBe(false);
  expect(rules.isAsset(answered("text/css", 404), "/pkg/a.css")).toBe(false);
});
