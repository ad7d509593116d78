// The status in the header is right within three seconds of the fact, both ways, and toasts tell the
// transitions once.
import type { Page } from "@playwright/test";
import type { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";
import { hearsTicks, latenessBeside } from "../fixtures/watching.ts";

test.use({ behindAWay: true });

/** The longest time between a fact and the status that tells it. */
const limit = 3_000;

/**
 * Makes something true and measures until the page says so. The clock starts when the fact is there, and stands while the
 * machine has no time for the page. That the server is there and slow may be true on the way to online.
 */
async function within3s(person: Person, status: string, makeTrue: () => Promise<void> | void): Promise<void> {
  const late = await latenessBeside(person.page);
  const told = person.page.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const output = document.querySelector("[data-connection]")!;
        const look = () => wanted.includes(output.getAttribute("data-connection")!) && resolve(Date.now());
        new MutationObserver(look).observe(output, { attributes: true });
        look();
      }),
    status === "online" ? ["online", "slow"] : [status],
  );
  await makeTrue();
  const fact = Date.now();
  const at = await told;
  if (status === "online") await person.isConnected(/^online$/);
  const took = Math.round(at - fact - (await late(fact, at)));
  test.info().annotations.push({ type: `${status} after`, description: `${took} ms` });
  expect(took, `${status} after ${took} ms`).toBeLessThanOrEqual(limit);
}

/** A form that is open, online, and hears the server's events. */
async function opensOnline(person: Person): Promise<void> {
  await person.opens("activities/1");
  await hearsTicks(person.page);
  await person.isConnected(/online/);
}

/** From now on the page's statuses are noted. */
const notesStatuses = (page: Page) =>
  page.evaluate(() => {
    const output = document.querySelector("[data-connection]")!;
    const said: string[] = [];
    Object.assign(window, { said });
    new MutationObserver(() => said.push(output.getAttribute("data-connection")!)).observe(output, { attributes: true });
  });

/** Those of them that say that the server cannot be reached. */
async function noted(page: Page): Promise<string[]> {
  const said = await page.evaluate(() => (window as unknown as { said: string[] }).said);
  return said.filter((status) => status === "offline" || status === "reconnecting");
}

const toasts = (page: Page, kind: string) => page.locator(`[data-toast="${kind}"]`);

test("the server is killed, and started again", async ({ person, inkfast }) => {
  await opensOnline(person);
  await within3s(person, "offline", () => inkfast.kill());
  await expect(toasts(person.page, "lost")).toHaveCount(1);
  await expect(person.connection).toContainText(/Offline.*next try in \d+ s.*Retry now/s);
  // Its start is not the page's time: the fact is there when it serves.
  await within3s(person, "online", () => inkfast.startAgain());
  await expect(toasts(person.page, "back")).toHaveCount(1);
  await expect(toasts(person.page, "lost")).toHaveCount(0);
});

test("the server is frozen, and goes on", async ({ person, inkfast }) => {
  await opensOnline(person);
  await within3s(person, "offline", () => inkfast.freeze());
  await expect(toasts(person.page, "lost")).toHaveCount(1);
  await within3s(person, "online", () => inkfast.thaw());
  await expect(toasts(person.page, "back")).toHaveCount(1);
});

for (const kind of ["cut", "freeze"] as const) {
  test(`the network is gone (${kind}), and back`, async ({ person, inkfast }) => {
    await opensOnline(person);
    await within3s(person, "offline", () => inkfast.way.set({ kind }));
    await expect(toasts(person.page, "lost")).toHaveCount(1);
    await within3s(person, "online", () => inkfast.way.set({ kind: "pass" }));
    await expect(toasts(person.page, "back")).toHaveCount(1);
  });
}

for (const kind of ["cut", "freeze"] as const) {
  test(`the database is gone (${kind}), and back`, async ({ person, database }) => {
    await opensOnline(person);
    await within3s(person, "degraded", () => database.way.set({ kind }));
    await expect(person.connection).toContainText(/Database unreachable.*next try in \d+ s.*Retry now/s);
    await expect(toasts(person.page, "degraded")).toHaveCount(1);
    await within3s(person, "online", () => database.way.set({ kind: "pass" }));
    await expect(toasts(person.page, "back")).toContainText("The database is back");
    await expect(toasts(person.page, "degraded")).toHaveCount(0);
  });
}

test.describe("with Redis", () => {
  test.use({ withRedis: true });
  for (const trouble of ["killed", "frozen"] as const) {
    test(`Redis is ${trouble}, and back`, async ({ person, redis, database }) => {
      await opensOnline(person);
      await within3s(person, "degraded", () => (trouble === "killed" ? redis.kill() : redis.freeze()));
      await expect(person.connection).toContainText("Drafts are kept in the server’s own store");
      await expect(person.connection.getByRole("button")).toBeHidden();
      await expect(toasts(person.page, "degraded")).toHaveCount(1);
      // Nothing waits for it but drafts: a save goes through.
      const form = new RecordForm(person.page);
      await form.type("title", "Saved without Redis");
      await form.save();
      await form.is("saved");
      expect(await database.audited("update", "activities")).toBe(1);
      await within3s(person, "online", () => (trouble === "killed" ? redis.startAgain() : redis.thaw()));
      await expect(toasts(person.page, "back")).toHaveCount(1);
    });
  }
});

test("one glitch is no outage", async ({ person, inkfast }) => {
  // Longer than half a second is an outage of two probes, and rightly told as one: then the machine was busy, and it is no glitch.
  for (let took = Infinity, round = 1; took > 400; round += 1) {
    expect(round).toBeLessThan(6);
    await opensOnline(person);
    await notesStatuses(person.page);
    const again = person.page.waitForRequest((request) => new URL(request.url()).pathname === "/events");
    const begun = Date.now();
    // Every connection there is breaks off, and the next one is let through.
    await inkfast.way.set({ kind: "cut" });
    await inkfast.way.set({ kind: "pass" });
    took = Date.now() - begun;
    await again;
  }
  await person.isConnected(/online/);
  expect(await noted(person.page)).toEqual([]);
  await expect(person.page.locator("[data-toast]")).toHaveCount(0);
});

/** The browser says of the network what it likes. */
const believes = (page: Page, online: boolean) =>
  page.evaluate((online) => {
    Object.defineProperty(navigator, "onLine", { configurable: true, get: () => online });
    window.dispatchEvent(new Event(online ? "online" : "offline"));
  }, online);

test("the browser believes that the network is gone while requests succeed: the page is online, and saves", async ({ person, database }) => {
  await opensOnline(person);
  await notesStatuses(person.page);
  const asked = person.page.waitForResponse("**/readyz");
  await believes(person.page, false);
  await asked;
  const form = new RecordForm(person.page);
  await form.type("title", "Saved without a network");
  await form.save();
  await form.is("saved");
  expect(await database.audited("update", "activities")).toBe(1);
  expect(await noted(person.page)).toEqual([]);
  await person.isConnected(/online/);
});

test("the browser believes that the network is there while nothing can be reached: offline all the same", async ({ person, inkfast }) => {
  await opensOnline(person);
  await believes(person.page, true);
  await within3s(person, "offline", async () => {
    await inkfast.way.set({ kind: "freeze" });
    await believes(person.page, true);
  });
  expect(await person.page.evaluate(() => navigator.onLine)).toBe(true);
  await within3s(person, "online", () => inkfast.way.set({ kind: "pass" }));
});

test("the page asks nothing while the events tick", async ({ person }) => {
  await opensOnline(person);
  const asked: string[] = [];
  person.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  // After 1.3 s without one a page asks, and is right: then the machine was busy.
  for (let longest = Infinity, round = 1; longest > 1_200; round += 1) {
    expect(round).toBeLessThan(6);
    asked.length = 0;
    longest = (await hearsTicks(person.page, 6)).longestPause;
  }
  expect(asked.filter((path) => path === "/readyz")).toEqual([]);
});

test("without an event stream the page asks by itself", async ({ person, database }) => {
  await person.page.route("**/events?*", (route) => route.abort());
  await person.opens("activities/1");
  await person.page.waitForRequest("**/readyz");
  await person.isConnected(/online/);
  await within3s(person, "degraded", () => database.way.set({ kind: "cut" }));
  await within3s(person, "online", () => database.way.set({ kind: "pass" }));
});

test("a toast of a failure stays, can be closed by keyboard, and takes no focus from the field", async ({ person, inkfast }) => {
  await opensOnline(person);
  const title = person.page.locator('[name="v.title"]');
  await title.focus();
  await within3s(person, "offline", () => inkfast.way.set({ kind: "cut" }));
  await expect(toasts(person.page, "lost")).toBeVisible();
  await expect(title).toBeFocused();
  const close = toasts(person.page, "lost").getByRole("button", { name: "Close" });
  await close.focus();
  await person.page.keyboard.press("Enter");
  await expect(toasts(person.page, "lost")).toHaveCount(0);
  await inkfast.way.set({ kind: "pass" });
  await person.isConnected(/online/);
});
