import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { copyNotice, isKept, standIn } from "../fixtures/offline.ts";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

async function isAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
  const found = violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ html }) => html) }));
  expect(found).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });

    test("the sign-in page", async ({ page }) => {
      await page.goto("/login");
      await isAccessible(page);
    });

    for (const address of ["/", "/records/activities", "/records/activities/1", "/records/activities/new", "/drafts", "/monitoring"]) {
      test(`the page ${address}`, async ({ person }) => {
        await person.page.goto(address);
        await person.isHydrated();
        await isAccessible(person.page);
      });
    }

    test.describe("without the server", () => {
      test.use({ serviceWorkers: "allow" });

      test("a saved copy, the page in place of one, and the sign-out that waits", async ({ person, inkfast }) => {
        await person.opens("activities/1");
        await isKept(person.page);
        await inkfast.kill();
        await person.reloads();
        await expect(copyNotice(person.page)).toBeVisible();
        await isAccessible(person.page);
        await person.page.goto("/records/activities/2");
        await person.isHydrated();
        await expect(standIn(person.page)).toBeVisible();
        await isAccessible(person.page);
        await person.page.evaluate(() => document.querySelector<HTMLFormElement>("form[data-sign-out]")!.submit());
        await expect(standIn(person.page)).toContainText("You are signed out on this device");
        await isAccessible(person.page);
      });
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
      await isAccessible(person.page);
      await person.page.getByRole("button", { name: /^Discard…/ }).first().click();
      await expect(person.page.getByRole("dialog")).toBeVisible();
      await isAccessible(person.page);
    });

    test.describe("with drills", () => {
      test.use({ drills: true });
      test("the page of drills, while one runs", async ({ person }) => {
        await person.page.goto("/monitoring/drills");
        await person.page.getByRole("radio", { name: /Deadlocks/ }).check();
        await person.page.getByRole("button", { name: "Start the drill" }).click();
        await expect(person.page.locator("[data-drill=running]")).toBeVisible();
        await person.isHydrated();
        await isAccessible(person.page);
      });
    });

    test("a form with a queued save", async ({ person, database }) => {
      const form = await person.opens("activities/1");
      await form.type("title", "Waiting");
      await database.way.set({ kind: "cut" });
      await form.save();
      await form.is("queued");
      await isAccessible(person.page);
    });
  });
}

test("sign in, open, edit and save by keyboard alone", async ({ page, inkfast, database }) => {
  const person = new Person(page);
  await person.signsIn();
  const form = await person.opens("activities/1");
  await form.field("title").focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await form.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "By keyboard" });
  expect(inkfast.log).not.toContain("panicked");
});
