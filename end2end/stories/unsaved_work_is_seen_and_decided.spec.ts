import { readFile } from "node:fs/promises";
import { expect, test } from "../fixtures/story.ts";
import type { Person } from "../fixtures/person.ts";

/** The one form under Unsaved work. */
const form = (person: Person) => person.page.locator("main .unsaved-form");

async function typesAndLeaves(person: Person, column: string, text: string): Promise<void> {
  const record = await person.opens("activities/2");
  await record.type(column, text);
  await record.isKeptOnTheServer();
}

test("unsaved text is compared with the record as it is now, and needs a decision once somebody else changed it", async ({ person, database }) => {
  await typesAndLeaves(person, "title", "Inspect every valve");
  await person.page.goto("/drafts");
  const draft = form(person).locator("[data-draft-state]");
  await expect(draft).toContainText("Not saved yet");
  await expect(draft.locator("mark")).toHaveText(["the pressure", "every"]);

  await database.execute("UPDATE activities SET title = 'Replace the pressure valve' WHERE id = 2");
  await person.page.reload();
  await expect(draft).toContainText("Needs your decision");
  await expect(draft.locator(".difference-theirs")).toHaveText("Replace the pressure valve");
  await draft.getByRole("link", { name: /Open and decide/ }).click();
  await expect(person.page).toHaveURL(/\/records\/activities\/2/);
  await expect(person.page.locator("main")).toContainText("Inspect every valve");
  expect(await database.row("SELECT title FROM activities WHERE id = 2")).toEqual({ title: "Replace the pressure valve" });
});

test("a save that waits is listed as waiting, and opened again it is saved once", async ({ person, database }) => {
  const record = await person.opens("activities/2");
  await record.type("title", "Saved after the outage");
  await record.isKeptOnTheServer();
  await database.way.set({ kind: "cut" });
  await record.save();
  await record.is("queued");
  await person.page.goto("/drafts");
  const draft = form(person).locator("[data-draft-state]");
  await expect(draft).toHaveAttribute("data-draft-state", "waiting");
  await expect(draft).toContainText("Saved after the outage");

  await database.way.set({ kind: "pass" });
  await draft.getByRole("link", { name: /Open and save/ }).click();
  // The server may have saved it by itself before the page is there.
  await expect(person.page).toHaveURL(/\/records\/activities\/2/);
  await person.isHydrated();
  const title = () => database.row<{ title: string }>("SELECT title FROM activities WHERE id = 2");
  await expect.poll(async () => (await title()).title).toBe("Saved after the outage");
  await expect.poll(() => database.audited("update", "activities")).toBe(1);
  // A form drawn while the record could not be read loads itself once more.
  await expect(person.page.locator("form[data-read-only-copy]")).toHaveCount(0);
  // The row is there before the queue has noted it.
  await expect(async () => {
    await person.page.goto("/drafts");
    await expect(person.page.locator("main")).toContainText("Nothing is waiting", { timeout: 500 });
  }).toPass({ timeout: 20_000 });
});

test("one's own text is had as a file", async ({ person }) => {
  await typesAndLeaves(person, "notes", "=HYPERLINK(1)\nsecond line");
  await person.page.goto("/drafts");
  const [file] = await Promise.all([
    person.page.waitForEvent("download"),
    form(person).getByRole("link", { name: /^Export/ }).click(),
  ]);
  expect(file.suggestedFilename()).toMatch(/^unsaved-work-\d{4}-\d\d-\d\d\.txt$/);
  expect(await readFile(await file.path(), "utf8")).toContain("Notes:\n=HYPERLINK(1)\nsecond line\n");
  const [all] = await Promise.all([
    person.page.waitForEvent("download"),
    person.page.getByRole("link", { name: "as JSON" }).click(),
  ]);
  const told = JSON.parse(await readFile(await all.path(), "utf8"));
  expect(told.drafts.map((draft: { values: unknown }) => draft.values)).toEqual([{ notes: "=HYPERLINK(1)\nsecond line" }]);
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with script" : "script is off", () => {
    test("discarding asks first; Keep it changes nothing, Discard is for good", async ({ person, browser, contextOptions, baseURL }) => {
      await typesAndLeaves(person, "title", "Thrown away");
      const context = await browser.newContext({ ...contextOptions, baseURL, javaScriptEnabled, storageState: await person.page.context().storageState() });
      const page = await context.newPage();
      await page.goto("/drafts");
      const question = page.getByRole("dialog", { name: "Discard what you typed?" });
      await expect(question).toBeHidden();
      await page.getByRole("button", { name: /Discard…/ }).press("Enter");
      await expect(question).toBeVisible();
      await question.getByRole("button", { name: "Keep it" }).click();
      await expect(question).toBeHidden();
      await page.reload();
      await expect(page.locator("main .unsaved-form")).toHaveCount(1);

      await page.getByRole("button", { name: /Discard…/ }).click();
      await question.getByRole("button", { name: "Discard", exact: true }).click();
      await expect(page.locator("main")).toContainText("Nothing is waiting");
      await context.close();
    });
  });
}
