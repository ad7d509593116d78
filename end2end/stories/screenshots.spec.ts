// Pictures for the README: npx playwright test --grep @screenshots
import { resolve } from "node:path";
import type { Page } from "@playwright/test";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

const folder = resolve(import.meta.dirname, "../../docs/screenshots");
const take = (page: Page, name: string) => page.screenshot({ path: `${folder}/${name}.png`, animations: "disabled", caret: "hide" });

test.use({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });

test("sign-in @screenshots", async ({ page }) => {
  await page.goto("/login");
  await take(page, "sign-in");
});

test("list @screenshots", async ({ person }) => {
  await person.page.goto("/records/activities");
  await person.isHydrated();
  await take(person.page, "list");
});

test("form @screenshots", async ({ person }) => {
  await person.opens("activities/1");
  await take(person.page, "form");
});

test("restored draft @screenshots", async ({ person }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/2");
  await form.type("notes", "The gauge reads 0.3 bar too much; the seal was replaced last year.");
  await form.isKeptOnThisDevice();
  await person.reloads();
  await expect(person.toast(/restored/i)).toBeVisible();
  await take(person.page, "restored-draft");
});

test("queued save @screenshots", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Replace both belts of conveyor 4");
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await person.isConnected(/degraded/);
  await take(person.page, "queued-save");
});

test("conflict @screenshots", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await database.execute("UPDATE activities SET title = 'Replace the belt and the roller of conveyor 4' WHERE id = 1");
  await form.type("title", "Replace both belts of conveyor 4");
  await form.save();
  await form.is("conflict");
  await take(person.page, "conflict");
});

test("monitoring @screenshots", async ({ person }) => {
  await person.page.goto("/records/activities");
  await person.page.goto("/monitoring");
  await person.isHydrated();
  await take(person.page, "monitoring");
});

test.describe("with drills", () => {
  test.use({ drills: true });
  test("drill @screenshots", async ({ person }) => {
    await person.page.goto("/monitoring/drills");
    await person.page.getByRole("button", { name: "Start the drill" }).click();
    await person.isHydrated();
    await take(person.page, "drill");
  });
});

test.describe("in the dark", () => {
  test.use({ colorScheme: "dark" });
  test("form @screenshots", async ({ person }) => {
    await person.opens("activities/1");
    await take(person.page, "form-dark");
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 } });
  test("form @screenshots", async ({ page }) => {
    const person = new Person(page);
    await person.signsIn();
    await person.opens("activities/1");
    await take(page, "form-390");
  });
});
