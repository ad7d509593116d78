// A save that waits when its browser goes: the server sends it, and its person is told.
import type { Browser, BrowserContextOptions } from "@playwright/test";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";
import type { Database } from "../fixtures/database.ts";

/** The database has to take changes for five seconds first. */
const PATIENCE = { timeout: 60_000 };

test.beforeEach(({}, info) => info.setTimeout(info.timeout + 60_000));

const notice = (person: Person) => person.page.getByRole("region", { name: "What the server has sent" });
const unsaved = (person: Person) => person.page.getByRole("link", { name: /Unsaved work/ }).first();

/** Somebody presses Save while the database is away, and closes the browser, which keeps nothing. */
async function savesAndGoes(browser: Browser, options: BrowserContextOptions, database: Database, title: string): Promise<void> {
  const context = await browser.newContext(options);
  const person = new Person(await context.newPage());
  await person.signsIn();
  const form = await person.opens("activities/1");
  await form.type("title", title);
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await expect(form.words).toHaveText("Queued: will be saved when the database is back, even if you close this page");
  await context.close();
}

async function comesBack(browser: Browser, options: BrowserContextOptions): Promise<Person> {
  const person = new Person(await (await browser.newContext(options)).newPage());
  await person.signsIn();
  return person;
}

for (const javaScriptEnabled of [true, false]) {
  test(`the browser is closed during an outage: the server saves, and the next sign-in ${javaScriptEnabled ? "tells" : "without script tells"}`, async ({ browser, contextOptions, baseURL, database }) => {
    await savesAndGoes(browser, { ...contextOptions, baseURL }, database, "Saved by the server");
    await database.way.set({ kind: "pass" });
    await expect.poll(() => database.audited("update", "activities"), PATIENCE).toBe(1);
    expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Saved by the server" });

    const person = await comesBack(browser, { ...contextOptions, baseURL, javaScriptEnabled });
    // The row is there before the queue has noted it.
    await expect(async () => {
      await person.page.goto("/");
      await expect(notice(person)).toContainText("While you were away: 1 change of yours was saved.", { timeout: 500 });
    }).toPass(PATIENCE);
    await person.page.goto("/records/activities?q=gauge");
    await notice(person).getByRole("button", { name: /^Close/ }).click();
    await expect(person.page).toHaveURL(/activities\?q=gauge$/);
    await expect(notice(person)).toHaveCount(0);
    await person.page.goto("/");
    await expect(person.page.getByRole("heading", { name: "My unsaved work" })).toBeVisible();
    await expect(notice(person)).toHaveCount(0);
    await person.page.context().close();
  });
}

test("somebody else changed the same field meanwhile: it is told, and waits to be decided", async ({ browser, contextOptions, baseURL, database }) => {
  await savesAndGoes(browser, { ...contextOptions, baseURL }, database, "Mine");
  await database.execute("UPDATE activities SET title = 'Theirs' WHERE id = 1");
  await database.way.set({ kind: "pass" });

  const person = await comesBack(browser, { ...contextOptions, baseURL });
  await expect(async () => {
    await person.page.goto("/");
    await expect(notice(person)).toContainText("1 change of yours was not saved", { timeout: 500 });
  }).toPass(PATIENCE);
  await expect(unsaved(person)).toContainText("1 could not be saved");
  await notice(person).getByRole("link", { name: /Activit/ }).click();
  await person.isHydrated();
  await expect(notice(person)).toHaveCount(0);
  await expect(person.page.locator("main")).toContainText("Mine");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Theirs" });

  await person.page.goto("/drafts");
  const draft = person.page.locator("[data-draft-state]");
  await expect(draft).toHaveAttribute("data-draft-state", "decision");
  await draft.getByRole("button", { name: /Discard…/ }).click();
  await person.page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
  await expect(draft).toHaveCount(0);
  await expect(unsaved(person)).not.toContainText("could not be saved");
  await person.page.context().close();
});

test("the server does what an open page cannot send: the page says saved, and nothing is done twice", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Pressed once");
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  const own = "**/records/activities/1*";
  await person.page.route(own, (route) => (route.request().method() === "POST" ? route.abort() : route.fallback()));
  await database.way.set({ kind: "pass" });
  await expect(form.itself).toHaveAttribute("data-state", "saved", PATIENCE);
  await form.saysAllIsSaved();
  await person.page.unroute(own);
  await person.reloads();
  await form.holds("title", "Pressed once");
  await form.saysAllIsSaved();
  await expect(notice(person)).toHaveCount(0);
  expect(await database.audited("update", "activities")).toBe(1);
});
