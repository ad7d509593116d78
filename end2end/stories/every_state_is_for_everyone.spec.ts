// What axe finds in each state that the form's page can be in: nothing. Light and dark, wide and on a phone.
import type { Browser, BrowserContextOptions } from "@playwright/test";
import { everyLook, isForEveryone, isForEveryoneWithoutScript } from "../fixtures/looks.ts";
import { Person } from "../fixtures/person.ts";
import type { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";

test.beforeEach(({}, info) => info.setTimeout(120_000));

const MINE = "Order the belt first, and two rollers.\nThe old one squeaks since Monday.";
const THEIRS = "Order the belt first, and three bearings.\nThe old one squeaks since Tuesday.";

const changedBySomebodyElse = `UPDATE activities SET title = 'Replace the belt and the roller of conveyor 4', notes = E'${THEIRS.replace("\n", "\\n")}' WHERE id = 1`;

async function elsewhere(browser: Browser, options: BrowserContextOptions): Promise<Person> {
  const person = new Person(await (await browser.newContext(options)).newPage());
  await person.signsIn();
  return person;
}

async function typesBoth(form: RecordForm): Promise<void> {
  await form.field("title").fill("Replace both belts of conveyor 4");
  await form.field("notes").fill(MINE);
}

test("clean, with the keys listed", async ({ person }) => {
  await person.opens("activities/1");
  await isForEveryone(person.page, "clean", everyLook);
  await person.page.keyboard.press("?");
  await expect(person.page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await isForEveryone(person.page, "keys");
});

test("a form for a new record", async ({ person }) => {
  await person.opens("activities/new");
  await isForEveryone(person.page, "new record");
});

test("typed, and saved", async ({ person }) => {
  const form = await person.opens("activities/1");
  await typesBoth(form);
  await form.isKeptOnTheServer();
  await isForEveryone(person.page, "dirty");
  await form.save();
  await form.is("saved");
  await isForEveryone(person.page, "saved");
});

test("a conflict, with the text before both", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await typesBoth(form);
  await database.execute(changedBySomebodyElse);
  await form.save();
  await form.is("conflict");
  await isForEveryone(person.page, "conflict", everyLook);
  for (const base of await form.conflicts.getByText("Before both changes").all()) await base.click();
  await form.conflicts.getByRole("radio", { name: /^Theirs/ }).first().check();
  await isForEveryone(person.page, "conflict half decided");
});

test("a restored draft with Undo, compared", async ({ person }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/1");
  await typesBoth(form);
  await form.isKeptOnThisDevice();
  await person.reloads();
  await expect(form.itself.getByRole("button", { name: "Undo", exact: true })).toBeVisible();
  await isForEveryone(person.page, "restored");
  await form.itself.locator("[data-compare] > summary").click();
  await expect(form.itself.locator("[data-compare] [data-conflict]")).toHaveCount(2);
  await isForEveryone(person.page, "restored and compared");
  await form.itself.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(form.itself.locator("[data-beside]")).toBeVisible();
  await isForEveryone(person.page, "put aside");
});

test("diverged drafts side by side", async ({ person }) => {
  const other = new Person(await person.page.context().newPage());
  const one = await person.opens("activities/1");
  const two = await other.opens("activities/1");
  await typesBoth(one);
  await one.isKeptOnTheServer();
  await two.type("notes", "Ask Mira for the belt first.");
  await two.isKeptOnTheServer();
  await expect(one.itself.locator("[data-other-tabs]")).toBeVisible();
  await isForEveryone(person.page, "open in another tab");
  await two.itself.locator("[data-beside] summary").click();
  await expect(two.itself.locator("[data-beside] [data-conflict]")).toHaveCount(2);
  await isForEveryone(other.page, "diverged drafts");
});

test("the record was changed since, on the device that has the text and on another one", async ({ person, browser, contextOptions, baseURL, database }) => {
  const form = await person.opens("activities/1");
  await typesBoth(form);
  await form.isKeptOnTheServer();
  await database.execute(changedBySomebodyElse);
  const there = await elsewhere(browser, { ...contextOptions, baseURL });
  const shown = await there.opens("activities/1");
  await expect(there.page.locator("main")).toContainText("the record was changed since");
  await isForEveryone(there.page, "record changed since");
  await shown.itself.locator(".beside-draft > summary").click();
  await shown.itself.getByText("Before both changes").first().click();
  await isForEveryone(there.page, "record changed since and compared");
  await there.page.context().close();
  await person.reloads();
  await form.is("conflict");
  await isForEveryone(person.page, "record changed since on this device");
});

test("somebody else saves the record that is open, and what that changed", async ({ person, colleague }) => {
  const mine = await person.opens("activities/1");
  await typesBoth(mine);
  const hers = await colleague.opens("activities/1");
  await hers.field("notes").fill(THEIRS);
  await hers.field("status").selectOption("done");
  await hers.save();
  await hers.is("saved");
  const news = person.page.locator("[data-outdated]");
  await expect(news).toContainText("mira saved this record");
  await isForEveryone(person.page, "saved by somebody else");
  await news.getByText("What changed").click();
  await expect(news.locator("[data-incoming-column]")).toHaveCount(2);
  await isForEveryone(person.page, "saved by somebody else and compared");
});

test("the record is gone", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.field("title").fill("Replace both belts of conveyor 4");
  await form.isKeptOnTheServer();
  await database.execute("DELETE FROM activities WHERE id = 1");
  await form.save();
  await expect(form.itself.getByRole("button", { name: "Create as new" })).toBeVisible();
  await isForEveryone(person.page, "record gone at save");
  await person.page.goto("/records/activities/1");
  await expect(person.page.locator("main")).toContainText("This record was deleted meanwhile");
  await person.isHydrated();
  await isForEveryone(person.page, "record gone");
});

test("a column is gone: its text is there to copy", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await typesBoth(form);
  await form.isKeptOnTheServer();
  await database.execute("ALTER TABLE activities DROP COLUMN notes");
  await expect(async () => {
    await person.reloads();
    await expect(form.itself.getByText("has no field here any more").first()).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await isForEveryone(person.page, "column gone");
});

test("refused at its fields", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.field("title").fill("Long ".repeat(60));
  await form.type("hours", "many");
  await form.save();
  await form.is("invalid");
  await isForEveryone(person.page, "invalid");
});

test("signed out while typing: the dialog, and the banner after Later", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Typed for a long time");
  await person.page.context().clearCookies();
  await form.save();
  await form.is("signed-out");
  await expect(person.page.getByRole("dialog")).toBeVisible();
  await isForEveryone(person.page, "sign in over the form");
  await person.page.getByRole("button", { name: "Later" }).click();
  await isForEveryone(person.page, "signed out");
});

test("signing out with unsaved work asks", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Not saved yet");
  await form.isKeptOnThisDevice();
  await person.signsOut();
  await expect(person.page.getByRole("dialog")).toBeVisible();
  await isForEveryone(person.page, "sign out with unsaved work");
});

test("queued, with newer text", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Waiting");
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await isForEveryone(person.page, "queued");
  await form.type("notes", "Typed on meanwhile");
  await expect(form.words).toContainText("Newer text");
  await isForEveryone(person.page, "queued with newer text");
});

test("the record cannot be read: nothing is known of it, or a draft", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.field("notes").fill(MINE);
  await form.isKeptOnTheServer();
  await database.way.set({ kind: "cut" });
  await person.page.goto("/records/activities/2");
  await expect(person.page.locator("[data-waiting]")).toBeVisible();
  await isForEveryone(person.page, "waiting for the record");
  await person.page.goto("/records/activities/1");
  await form.holds("notes", MINE);
  await person.isHydrated();
  await isForEveryone(person.page, "drawn without the record");
});

test("storage is forbidden: not protected on this device", async ({ person }) => {
  await person.page.addInitScript(() => {
    const forbidden = { get: () => { throw new DOMException("forbidden", "SecurityError"); } };
    for (const name of ["localStorage", "sessionStorage", "indexedDB"]) Object.defineProperty(window, name, forbidden);
  });
  const form = await person.opens("activities/1");
  await form.field("notes").fill(MINE);
  await expect(form.words).toContainText(/not protected on this device/i);
  await isForEveryone(person.page, "not protected");
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });
  test("the form, a conflict, and a failed save", async ({ person, database }) => {
    const form = await person.opensWithoutWaiting("activities/1");
    await isForEveryoneWithoutScript(person.page, "without script");
    await database.execute(changedBySomebodyElse);
    await form.field("title").fill("Replace both belts of conveyor 4");
    await form.field("notes").fill(MINE);
    await form.save();
    await expect(form.conflicts).toBeVisible();
    await isForEveryoneWithoutScript(person.page, "without script conflict");
    await database.way.set({ kind: "cut" });
    await form.save();
    await expect(person.page.locator("body")).toContainText("Press Save again");
    await isForEveryoneWithoutScript(person.page, "without script kept");
  });
});
