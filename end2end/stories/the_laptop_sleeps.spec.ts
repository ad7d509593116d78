// A page that stood still for hours: what others did meanwhile counts, and nothing comes in a burst when it wakes.
import type { Page } from "@playwright/test";
import { sleeps } from "../fixtures/device.ts";
import { holdsBack } from "../fixtures/network.ts";
import { expect, test } from "../fixtures/story.ts";

test("while a laptop sleeps somebody else saves the same field: awake again, it overwrites nothing and has its text", async ({
  person,
  colleague,
  database,
}) => {
  const mine = await person.opens("activities/1");
  await mine.type("title", "Typed before it slept");
  await mine.type("notes", "Mine alone");
  await mine.isKeptOnTheServer();
  const stoodStill = await standsStillFor(person.page);
  const wakes = await sleeps(person.page);
  const since = Date.now();
  const hers = await colleague.opens("activities/1");
  await hers.type("title", "Saved while it slept");
  await hers.save();
  await hers.is("saved");

  const asleep = Date.now() - since;
  await wakes();
  await expect.poll(stoodStill, { message: "it slept all the time" }).toBeGreaterThanOrEqual(asleep);
  await mine.holds("title", "Typed before it slept");
  await mine.save();
  await mine.is("conflict");
  await mine.holds("title", "Typed before it slept");
  await mine.holds("notes", "Mine alone");
  expect(await database.row("SELECT title, notes FROM activities WHERE id = 1")).toEqual({
    title: "Saved while it slept",
    notes: "Order the belt first.",
  });
  // Nor is it only in this page.
  await mine.isKeptOnThisDevice();
  await person.reloads();
  await mine.is("conflict");
  await mine.holds("title", "Typed before it slept");
  await mine.conflicts.getByRole("radio", { name: /^Theirs/ }).check();
  await mine.save();
  await mine.is("saved");
  expect(await database.row("SELECT title, notes FROM activities WHERE id = 1")).toEqual({
    title: "Saved while it slept",
    notes: "Mine alone",
  });
});

/** From now on: how long this page stood still at most, in milliseconds; it looks at the clock ten times a second. */
async function standsStillFor(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    let last = Date.now();
    Object.assign(window, { longest: 0 });
    const stood = window as unknown as { longest: number };
    setInterval(() => {
      const now = Date.now();
      stood.longest = Math.max(stood.longest, now - last);
      last = now;
    }, 100);
  });
  return () => page.evaluate(() => (window as unknown as { longest: number }).longest);
}

/** What a page asks the server for, by method and kind. */
function asksOf(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    asked.push(`${request.method()} ${/^\/(readyz|events|api\/drafts|records)/.exec(pathname)?.[1] ?? pathname}`);
  });
  return asked;
}

test.describe("behind a way", () => {
  test.use({ behindAWay: true });

  test("awake after eight hours: one probe at once, and each thing that waited goes once", async ({ person, inkfast, database }) => {
    await person.page.clock.install();
    const form = await person.opens("activities/1");
    await inkfast.way.set({ kind: "cut" });
    await person.isConnected(/offline/);
    await form.type("title", "Queued before it slept");
    await form.save();
    await form.is("queued");
    await form.type("notes", "Typed before it slept");
    await form.isKeptOnThisDevice();

    await person.page.clock.pauseAt(new Date(Date.now() + 60_000));
    await inkfast.way.set({ kind: "pass" });
    // Every answer is held back: what has left by then has left in a burst.
    const letsProbesGo = await holdsBack(person.page, "**/readyz");
    const letsSavesGo = await holdsBack(person.page, "**/records/activities/1");
    const asked = asksOf(person.page);
    await person.page.clock.fastForward("08:00:00");
    await expect.poll(() => asked).toContain("GET readyz");
    await expect.poll(() => asked).toContain("POST records");
    for (const what of new Set(asked)) expect(asked.filter((one) => one === what), what).toHaveLength(1);
    letsProbesGo();
    letsSavesGo();
    await person.page.clock.resume();
    await expect.poll(() => database.audited("update", "activities")).toBe(1);
    await form.isKeptOnTheServer();
    await person.isConnected(/online/);

    const times = (what: string) => asked.filter((one) => one === what).length;
    expect(times("POST records")).toBe(1);
    // The one when it woke, the one that makes sure, and what a loaded machine may add before the events tick.
    expect(times("GET readyz")).toBeLessThanOrEqual(5);
    expect(times("GET events")).toBeLessThanOrEqual(2);
    expect(times("POST api/drafts")).toBeLessThanOrEqual(3);
    await form.holds("notes", "Typed before it slept");
    await form.save();
    await form.is("saved");
    expect(await database.row("SELECT title, notes FROM activities WHERE id = 1")).toEqual({
      title: "Queued before it slept",
      notes: "Typed before it slept",
    });
  });
});
