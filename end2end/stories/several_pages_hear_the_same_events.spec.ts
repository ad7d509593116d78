// One stream a browser; what others do at the record that is open.
import type { Page } from "@playwright/test";
import { sleeps } from "../fixtures/device.ts";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";
import { hearsTicks, latenessBeside } from "../fixtures/watching.ts";

/** Addresses of event streams that a page has asked for. */
function streamsOf(page: Page): string[] {
  const streams: string[] = [];
  page.on("request", (request) => new URL(request.url()).pathname === "/events" && streams.push(request.url()));
  return streams;
}

/** Resolves when a tab of this browser is the one that reads the stream. */
async function readsTheStream(page: Page): Promise<void> {
  const readers = () =>
    page.evaluate(async () => {
      const { held } = await navigator.locks.query();
      return held!.filter(({ name }) => name!.startsWith("inkfast:events:")).length;
    });
  await expect.poll(readers).toBe(1);
}

/** A page takes the stream over within three seconds of what the other tab does. */
async function takesOverWithin3s(page: Page, happens: () => Promise<void>): Promise<void> {
  const late = await latenessBeside(page);
  const taken = page.waitForRequest((request) => new URL(request.url()).pathname === "/events", { timeout: 20_000 });
  await happens();
  const fact = Date.now();
  await taken;
  const now = Date.now();
  expect(now - fact - (await late(fact, now))).toBeLessThanOrEqual(3_000);
}

test("two tabs read one stream; when its tab is closed the other takes over within 3 s", async ({ person, database }) => {
  await person.opens("activities/1");
  await readsTheStream(person.page);
  const page = await person.page.context().newPage();
  const second = streamsOf(page);
  const other = new Person(page);
  await other.opens("activities/2");
  await hearsTicks(page);
  expect(second).toEqual([]);
  await database.way.set({ kind: "cut" });
  await other.isConnected(/degraded/);
  await database.way.set({ kind: "pass" });
  await other.isConnected(/online/);
  expect(second).toEqual([]);

  await takesOverWithin3s(page, () => person.page.close());
  await other.isConnected(/online/);
});

test("the tab that reads the stream is frozen: another takes over within 3 s", async ({ person }) => {
  await person.opens("activities/1");
  await readsTheStream(person.page);
  const page = await person.page.context().newPage();
  const streams = streamsOf(page);
  await new Person(page).opens("activities/2");
  await hearsTicks(page);
  expect(streams).toEqual([]);
  let wakes = async () => {};
  await takesOverWithin3s(page, async () => {
    wakes = await sleeps(person.page);
  });
  await new Person(page).isConnected(/online/);
  await wakes();
});

test("somebody else saves the record that is open: the page says so and changes nothing by itself", async ({ person, colleague }) => {
  const mine = await person.opens("activities/1");
  const title = await mine.field("title").inputValue();
  const present = person.page.locator("[data-presence]");
  const hers = await colleague.opens("activities/1");
  await expect(present).toHaveText("mira also has this record open");

  await hers.type("title", "Her title");
  await hers.save();
  await hers.is("saved");
  const news = person.page.locator("[data-outdated]");
  await expect(news).toContainText("mira saved this record");
  await mine.holds("title", title);
  await mine.is("clean");
  await expect(colleague.page.locator("[data-outdated]")).toHaveCount(0);

  await mine.type("notes", "My note");
  await expect(news).toContainText("both are kept");
  await mine.save();
  await mine.is("saved");
  await mine.holds("title", "Her title");
  await expect(news).toHaveCount(0);
});

test("a clean page loads what somebody else saved when it is asked to", async ({ person, colleague }) => {
  const mine = await person.opens("activities/1");
  await expect(person.page.locator("[data-presence]")).toBeHidden();
  const hers = await colleague.opens("activities/1");
  await expect(person.page.locator("[data-presence]")).toBeVisible();
  await hers.type("title", "Her title");
  await hers.save();
  await person.page.getByRole("button", { name: "Show it as it is now" }).click();
  await mine.holds("title", "Her title");
});

test("somebody who only reads a record is told that it was saved", async ({ person, inkfast, browser, contextOptions, baseURL }) => {
  await inkfast.addAccount("vera", "a password of her own", "viewer");
  const context = await browser.newContext({ ...contextOptions, baseURL });
  const viewer = new Person(await context.newPage());
  await viewer.signsIn("vera", "a password of her own");
  await viewer.opens("activities/1");
  const mine = await person.opens("activities/1");
  await expect(person.page.locator("[data-presence]")).toHaveText("vera also has this record open");
  await mine.type("title", "My title");
  await mine.save();
  await expect(viewer.page.locator("[data-record-news]")).toContainText("admin saved this record");
  await viewer.page.getByRole("button", { name: "Show it as it is now" }).click();
  await expect(viewer.page.getByRole("heading", { name: "My title" })).toBeVisible();
  await context.close();
});

test("who has the record open comes and goes", async ({ person, colleague }) => {
  await person.opens("activities/1");
  const present = person.page.locator("[data-presence]");
  await colleague.opens("activities/1");
  await expect(present).toHaveText("mira also has this record open");
  await colleague.page.goto("/records/activities");
  await expect(present).toBeHidden();
  await colleague.opens("activities/1");
  await expect(present).toBeVisible();
  await colleague.page.close();
  await expect(present).toBeHidden();
});

test("a queued save that reached the server another way is known as saved by the event", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  // No save of this page ever has an answer.
  let body: string | null = null;
  await person.page.route("**/records/activities/1", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    body ??= route.request().postData();
    await route.abort();
  });
  await form.type("title", "Saved unheard");
  await form.save();
  await form.is("queued");
  const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
  const answer = await person.page.request.post("/records/activities/1", { data: body!, headers });
  expect(answer.status()).toBe(200);
  await form.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Saved unheard" });
  expect(await database.audited("update", "activities")).toBe(1);
});
