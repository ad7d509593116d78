import { browserModule } from "../fixtures/network.ts";
import { expect, test } from "../fixtures/story.ts";
import type { Page } from "@playwright/test";
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

/** What the database refuses is said at its field, and all that was typed is there again. */
async function isRefused(person: Person, database: Database): Promise<void> {
  const form = await person.opensWithoutWaiting("activities/1");
  await form.field("title").fill("x".repeat(201));
  await form.field("notes").fill("Typed beside it");
  await form.save();
  await expect(person.page.locator('[data-field="title"] .field-error')).toBeVisible();
  await form.holds("title", "x".repeat(201));
  await form.holds("notes", "Typed beside it");
  expect(await database.audited("update", "activities")).toBe(0);
  await expect(person.page.locator("html")).not.toHaveAttribute("data-hydrated");
  await form.field("title").fill("Short enough");
  await form.save();
  await expect(person.page).toHaveURL(/\?saved=/);
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Short enough", notes: "Typed beside it" });
}

/** Ways in which the module never runs. */
const neverRuns = {
  "is not there": (page: Page) => page.route(browserModule, (route) => route.fulfill({ status: 404, body: "not found" })),
  "is forbidden by a policy": (page: Page) =>
    page.route("**/records/**", async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      const { location, "content-security-policy": policy, ...headers } = response.headers();
      if (location !== undefined) {
        // A redirect is followed past every route, to a page with the server's own policy: this leads there by a page.
        return route.fulfill({ contentType: "text/html", body: `<meta http-equiv="refresh" content="0;url=${location}">` });
      }
      const strict = policy?.replaceAll("'wasm-unsafe-eval'", "") ?? "";
      await route.fulfill({ response, headers: { ...headers, "content-security-policy": strict } });
    }),
};

for (const [how, never] of Object.entries(neverRuns)) {
  test(`WASM ${how}: a plain POST saves, and what is refused comes back with what was typed`, async ({ person, database }) => {
    await never(person.page);
    await isRefused(person, database);
  });
}

test.describe("WASM is blocked", () => {
  test.beforeEach(async ({ page }) => page.route(browserModule, (route) => route.abort()));

  test("a plain POST saves", async ({ person, database }) => editsAndSaves(person, database));

  test("during an outage the page comes back with what was typed", async ({ person, database }) => savesThroughAnOutage(person, database));
});

test.describe("script is off", () => {
  test.use({ javaScriptEnabled: false });

  test("what is refused comes back with what was typed", async ({ person, database }) => isRefused(person, database));

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
