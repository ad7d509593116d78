import { browserModule } from "../fixtures/network.ts";
import { expect, test } from "../fixtures/story.ts";
import type { Person } from "../fixtures/person.ts";
import type { Database } from "../fixtures/database.ts";

async function editsAndSaves(person: Person, database: Database): Promise<void> {
  const form = await person.opensWithoutWaiting("activities/1");
  await form.field("title").fill("Saved by plain HTML");
  await form.field("status").selectOption("done");
  await form.save();
  await expect(person.page).toHaveURL(/\/records\/activities\/1(\?saved=.*)?$/);
  await form.holds("title", "Saved by plain HTML");
  await expect(form.field("status")).toHaveValue("done");
  const row = await database.row("SELECT title, status, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Saved by plain HTML", status: "done", notes: "Order the belt first." });
  expect(await database.audited("update", "activities")).toBe(1);
}

async function savesThroughAnOutage(person: Person, database: Database): Promise<void> {
  const form = await person.opensWithoutWaiting("activities/1");
  await form.field("title").fill("Typed during an outage");
  await database.way.set({ kind: "cut" });
  const answer = person.page.waitForResponse((response) => response.request().method() === "POST" && response.url().endsWith("/records/activities/1"));
  await form.save();
  const refused = await answer;
  expect(refused.status()).toBe(503);
  expect(Number(refused.headers()["retry-after"])).toBeGreaterThan(0);
  await form.holds("title", "Typed during an outage");
  await expect(person.page.locator("body")).toContainText("Press Save again");

  await database.way.set({ kind: "pass" });
  await expect(async () => {
    await form.save();
    await expect(person.page).toHaveURL(/\?saved=/, { timeout: 2_000 });
  }).toPass();
  await form.holds("title", "Typed during an outage");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Typed during an outage" });
  expect(await database.audited("update", "activities")).toBe(1);
}

test.describe("WASM is blocked", () => {
  test.beforeEach(async ({ page }) => page.route(browserModule, (route) => route.abort()));

  test("a plain POST saves", async ({ person, database }) => editsAndSaves(person, database));

  test("during an outage the page comes back with what was typed", async ({ person, database }) => savesThroughAnOutage(person, database));
});

test.describe("script is off", () => {
  test.use({ javaScriptEnabled: false });

  test("a record is edited and saved", async ({ person, database }) => editsAndSaves(person, database));

  test("during an outage the page comes back with what was typed", async ({ person, database }) => savesThroughAnOutage(person, database));

  test("a record is made, and pressing Save twice makes one", async ({ person, database }) => {
    const form = await person.opensWithoutWaiting("activities/new");
    const address = person.page.url();
    await form.field("title").fill("Made without script");
    await form.save();
    await expect(person.page).toHaveURL(/\/records\/activities\/\d+(\?saved=.*)?$/);
    await person.page.goto(address);
    await expect(person.page).toHaveURL(/\/records\/activities\/\d+$/);
    expect(await database.rows("SELECT id FROM activities WHERE title = 'Made without script'")).toHaveLength(1);
  });

  test("a conflict shows both texts and overwrites nothing", async ({ person, database }) => {
    const form = await person.opensWithoutWaiting("activities/1");
    await database.execute("UPDATE activities SET title = 'Theirs' WHERE id = 1");
    await form.field("title").fill("Mine");
    await form.save();
    await expect(form.conflicts).toContainText("Theirs");
    await form.holds("title", "Mine");
    expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Theirs" });
  });
});
