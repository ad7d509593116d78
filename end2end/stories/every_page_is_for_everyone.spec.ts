// What axe finds on the other pages and in what stands around them: nothing. Light and dark, wide and on a phone.
import type { Page } from "@playwright/test";
import { copyNotice, isKept, standIn } from "../fixtures/offline.ts";
import { everyLook, isForEveryone } from "../fixtures/looks.ts";
import { holdsBack } from "../fixtures/network.ts";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

test.beforeEach(({}, info) => info.setTimeout(120_000));

test("the sign-in page, and a password that is not right", async ({ page }) => {
  await page.goto("/login");
  await isForEveryone(page, "sign in");
  await new Person(page).givesNameAndPassword("admin", "wrong");
  await expect(page.locator("#sign-in-message")).toBeVisible();
  await isForEveryone(page, "sign in refused");
});

for (const [state, address] of [
  ["start", "/"],
  ["list", "/records/activities"],
  ["list filtered to nothing", "/records/activities?q=nothing-like-this"],
  ["history", "/records/activities/1/history"],
  ["delete", "/records/activities/1/delete"],
  ["no unsaved work", "/drafts"],
  ["monitoring", "/monitoring"],
  ["statements", "/monitoring/statements"],
  ["not found", "/records/activities/999"],
] as const) {
  test(`the page ${address}`, async ({ person }) => {
    // There is something to tell of.
    const form = await person.opens("activities/1");
    await form.type("title", "Replace both belts of conveyor 4");
    await form.save();
    await form.is("saved");
    await person.page.goto(address);
    await person.isHydrated();
    await isForEveryone(person.page, state, state === "list" ? everyLook : undefined);
  });
}

test("the filters of a list", async ({ person }) => {
  await person.page.goto("/records/activities?f.status=done&sort=-due_on,title");
  await person.isHydrated();
  await person.page.locator(".filters > summary").click();
  await isForEveryone(person.page, "list with filters");
});

test("the tables, on a phone", async ({ person }) => {
  await person.page.setViewportSize({ width: 390, height: 844 });
  await person.page.goto("/records/activities");
  await person.isHydrated();
  await person.page.getByRole("button", { name: "Tables" }).click();
  await expect(person.page.getByRole("navigation", { name: "Tables" })).toBeVisible();
  await isForEveryone(person.page, "tables");
});

test("a record that one may only read", async ({ inkfast, page }) => {
  await inkfast.addAccount("guest", "only looking around", "viewer");
  const guest = new Person(page);
  await guest.signsIn("guest", "only looking around");
  await guest.opens("activities/1");
  await isForEveryone(page, "read only");
});

test("unsaved work: typed, to be decided, gone, new, and the question before it is discarded", async ({ person, database }) => {
  for (const record of ["activities/1", "activities/2", "activities/3", "activities/new"]) {
    const form = await person.opens(record);
    await form.type("title", "Typed and left");
    await form.isKeptOnTheServer();
  }
  await database.execute("UPDATE activities SET title = 'By somebody else' WHERE id = 2");
  await database.execute("DELETE FROM activities WHERE id = 3");
  await person.page.goto("/drafts");
  await person.isHydrated();
  for (const state of ["typed", "decision", "gone", "new"]) {
    await expect(person.page.locator(`[data-draft-state=${state}]`)).toHaveCount(1);
  }
  await isForEveryone(person.page, "unsaved work");
  await person.page.getByRole("button", { name: /^Discard…/ }).first().click();
  await expect(person.page.getByRole("dialog")).toBeVisible();
  await isForEveryone(person.page, "discard");
});

test("unsaved work that waits for the database", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Waiting");
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await expect(form.words).toContainText("even if you close this page");
  await person.page.goto("/drafts");
  await person.isHydrated();
  await expect(person.page.locator("main")).toContainText("Try to save now");
  await isForEveryone(person.page, "unsaved work that waits");
});

test("what the server has sent while one was away", async ({ browser, contextOptions, baseURL, database }) => {
  const comes = async (): Promise<Person> => {
    const person = new Person(await (await browser.newContext({ ...contextOptions, baseURL: baseURL! })).newPage());
    await person.signsIn();
    return person;
  };
  const before = await comes();
  const other = new Person(await before.page.context().newPage());
  const forms = [await before.opens("activities/1"), await other.opens("activities/2")];
  for (const form of forms) await form.type("title", "Mine");
  await database.way.set({ kind: "cut" });
  for (const form of forms) {
    await form.save();
    await expect(form.words).toContainText("even if you close this page");
  }
  await before.page.context().close();
  await database.execute("UPDATE activities SET title = 'Theirs' WHERE id = 2");
  await database.way.set({ kind: "pass" });
  await expect.poll(() => database.audited("update", "activities"), { timeout: 60_000 }).toBe(1);
  const person = await comes();
  const notice = person.page.getByRole("region", { name: "What the server has sent" });
  await expect(async () => {
    await person.page.goto("/");
    await expect(notice).toContainText("1 change of yours was saved, and 1 could not be.", { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
  await person.isHydrated();
  await isForEveryone(person.page, "while you were away");
  await person.page.context().close();
});

test.describe("without the server", () => {
  test.use({ serviceWorkers: "allow" });

  test("a saved copy, the page in place of one, and the sign-out that waits", async ({ person, inkfast }) => {
    await person.opens("activities/1");
    await isKept(person.page);
    await inkfast.kill();
    await person.reloads();
    await expect(copyNotice(person.page)).toBeVisible();
    await isForEveryone(person.page, "saved copy");
    await person.page.goto("/records/activities/2");
    await person.isHydrated();
    await expect(standIn(person.page)).toBeVisible();
    await isForEveryone(person.page, "page never seen");
    await person.page.evaluate(() => document.querySelector<HTMLFormElement>("form[data-sign-out]")!.submit());
    await expect(standIn(person.page)).toContainText("You are signed out on this device");
    await isForEveryone(person.page, "signed out without the server");
  });
});

test.describe("with drills", () => {
  test.use({ drills: true });
  test("the page of drills: none, one that runs, and its report", async ({ person }) => {
    await person.page.goto("/monitoring/drills");
    await person.isHydrated();
    await isForEveryone(person.page, "drills");
    await person.page.getByRole("radio", { name: /Deadlocks/ }).check();
    // It is to last for as long as it is looked at.
    await person.page.locator('[name="seconds"]').fill("120");
    await person.page.getByRole("button", { name: "Start the drill" }).click();
    await expect(person.page.locator("[data-drill=running]")).toBeVisible();
    await person.isHydrated();
    await isForEveryone(person.page, "drill");
    await person.page.getByRole("button", { name: "Stop now" }).click();
    await expect(person.page.locator("[data-drill=running]")).toHaveCount(0);
    await person.isHydrated();
    await isForEveryone(person.page, "drill report");
  });
});

test.describe("the connection", () => {
  test.use({ behindAWay: true });

  test("online, slow, degraded and offline, with their toasts", async ({ person, inkfast, database }) => {
    const form = await person.opens("activities/1");
    await person.isConnected(/online/);
    await form.type("notes", "Kept all the time");
    await form.isKeptOnTheServer();
    await database.way.set({ kind: "cut" });
    await person.isConnected(/degraded/);
    await expect(person.connection).toContainText("your changes are kept");
    await isForEveryone(person.page, "degraded");
    await database.way.set({ kind: "pass" });
    await person.isConnected(/online/);
    await expect(person.toast(/database is back/)).toBeVisible();
    await isForEveryone(person.page, "online again");
    const arrives = await holdsBack(person.page, "**/records/activities/1", "POST");
    await form.save();
    await person.isConnected(/slow/);
    await isForEveryone(person.page, "slow");
    await person.isConnected(/slow/);
    arrives();
    await form.is("saved");
    await person.isConnected(/online/);
    await inkfast.way.set({ kind: "cut" });
    await person.isConnected(/offline/);
    await expect(person.toast(/Connection lost/)).toBeVisible();
    await isForEveryone(person.page, "offline");
  });

  test("reconnecting", async ({ person, inkfast }) => {
    const becomesPatient = await waitsForever(person.page);
    await person.opens("activities/1");
    await inkfast.way.set({ kind: "cut" });
    await person.isConnected(/offline/);
    // It would be over in less than two seconds. What has left by then is refused at once.
    await becomesPatient();
    await inkfast.way.set({ kind: "freeze" });
    await person.connection.getByRole("button", { name: "Retry now" }).click();
    await person.isConnected(/reconnecting/);
    await isForEveryone(person.page, "reconnecting");
    await person.isConnected(/reconnecting/);
  });
});

/** From the next page on: once the returned function was called, this page gives up nothing that it asks for. */
async function waitsForever(page: Page): Promise<() => Promise<void>> {
  await page.addInitScript(() => {
    const limit = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (ms) => ("waits" in window ? new AbortController().signal : limit(ms));
    const wait = window.setTimeout.bind(window);
    const patient = (ring: TimerHandler, ms?: number, ...given: unknown[]) => ("waits" in window && (ms ?? 0) >= 500 ? 0 : wait(ring, ms, ...given));
    Object.assign(window, { setTimeout: patient });
  });
  return () => page.evaluate(() => void Object.assign(window, { waits: true }));
}
