// Leaving is asked about exactly while text would be lost by it; questions and dialogs lose nothing when they are left.
import type { Page } from "@playwright/test";
import { keepsNothing } from "../fixtures/device.ts";
import { adminPassword } from "../fixtures/inkfast.ts";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

/** Somebody closes the tab: whether the browser asks first. Asked, they stay. */
async function asksBeforeClosing(page: Page): Promise<boolean> {
  const asked = new Promise<boolean>((resolve) => {
    page.once("dialog", async (dialog) => {
      expect(dialog.type()).toBe("beforeunload");
      await dialog.dismiss();
      resolve(true);
    });
    page.once("close", () => resolve(false));
  });
  await page.close({ runBeforeUnload: true });
  return asked;
}

test("a save failed and the newest text is kept nowhere: leaving is asked about, until it is saved", async ({ person, inkfast, database }) => {
  await keepsNothing(person.page);
  const form = await person.opens("activities/1");
  await inkfast.kill();
  await form.type("title", "In this page only");
  await form.save();
  await form.is("queued");
  await expect(form.words).toContainText("Not protected on this device: keep this page open");
  expect(await asksBeforeClosing(person.page)).toBe(true);
  await form.holds("title", "In this page only");

  // Somebody who typed on since is asked as well.
  await form.type("notes", "And this");
  expect(await asksBeforeClosing(person.page)).toBe(true);
  await inkfast.startAgain();
  await expect.poll(() => database.audited("update", "activities"), { timeout: 30_000 }).toBe(1);
  await form.save();
  await form.is("saved");
  expect(await asksBeforeClosing(person.page)).toBe(false);
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "In this page only", notes: "And this" });
});

test("where nothing would be lost nobody is asked: after a save, with text that is kept, and where there is nothing to type", async ({
  person,
  inkfast,
}) => {
  const context = person.page.context();
  const opens = async (record: string) => {
    const other = new Person(await context.newPage());
    return { page: other.page, form: await other.opens(record) };
  };
  const untouched = await opens("activities/1");
  // A browser asks nobody who has done nothing on a page.
  await untouched.page.getByRole("heading", { level: 1 }).click();
  expect(await asksBeforeClosing(untouched.page)).toBe(false);

  const saved = await opens("activities/1");
  await saved.form.type("title", "Saved");
  await saved.form.save();
  await saved.form.is("saved");
  expect(await asksBeforeClosing(saved.page)).toBe(false);

  const kept = await opens("activities/2");
  await kept.form.type("title", "Kept");
  await kept.form.isKeptOnThisDevice();
  expect(await asksBeforeClosing(kept.page)).toBe(false);

  await inkfast.addAccount("guest", "only looking around", "viewer");
  await context.clearCookies();
  const guest = new Person(await context.newPage());
  await guest.signsIn("guest", "only looking around");
  await guest.opensWithoutWaiting("activities/1");
  await guest.isHydrated();
  await guest.page.getByRole("heading", { level: 1 }).click();
  expect(await asksBeforeClosing(guest.page)).toBe(false);
});

test("a secret is in its page only: leaving is asked about though the rest is kept", async ({ person, database }) => {
  // The last of these is noticed, and the table read anew.
  await database.execute("ALTER TABLE technicians ADD pin text, ADD phone text; ALTER TABLE technicians RENAME name TO full_name");
  const form = await person.opens("technicians/1");
  await form.type("phone", "555-0142");
  await form.isKeptOnTheServer();
  await form.type("pin", "4711");
  await expect(form.words).toContainText("Secrets are kept in this page only");
  expect(await asksBeforeClosing(person.page)).toBe(true);
});

test("the dialog to sign in over a form is left by Escape, never by a click beside it, and the text stays", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Typed under a dialog");
  await person.page.context().clearCookies();
  await form.save();
  const dialog = person.page.getByRole("dialog");
  await dialog.locator('[name="password"]').fill(adminPassword.slice(0, 5));
  await person.page.mouse.click(4, 4);
  await expect(dialog.locator('[name="password"]')).toHaveValue(adminPassword.slice(0, 5));
  await person.page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await form.is("signed-out");
  await form.holds("title", "Typed under a dialog");
  await expect(form.words).toContainText("kept on this device");

  await form.itself.getByRole("button", { name: "Sign in" }).click();
  await dialog.locator('[name="password"]').fill(adminPassword);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await form.is("saved");
  expect(await database.audited("update", "activities")).toBe(1);
});

test("a question before something is thrown away is answered with No by Escape and by a click beside it", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Not thrown away");
  await form.isKeptOnTheServer();
  await person.signsOut();
  await expect(person.page.getByRole("dialog")).toBeVisible();
  await person.page.keyboard.press("Escape");
  await expect(person.page.getByRole("dialog")).toHaveCount(0);
  await form.holds("title", "Not thrown away");
  await form.is("dirty");

  await person.page.goto("/drafts");
  const question = person.page.getByRole("dialog", { name: "Discard what you typed?" });
  for (const leave of [() => person.page.keyboard.press("Escape"), () => person.page.mouse.click(4, 400)]) {
    await person.page.getByRole("button", { name: /^Discard…/ }).click();
    await expect(question).toBeVisible();
    await leave();
    await expect(question).toBeHidden();
  }
  await person.opens("activities/1");
  await form.holds("title", "Not thrown away");
});
