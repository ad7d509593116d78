// Answers that trying again does not change: said, kept, and not sent a second time.
import type { Page } from "@playwright/test";
import type { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";
import { pressesOf } from "../fixtures/watching.ts";

/** What is told of a press of Save that was refused. */
const message = (form: RecordForm) => form.itself.locator('[data-banner="message"]');

/** Whatever waits for time to pass would be done by then. */
const fiveMinutesPass = (page: Page) => page.clock.fastForward("05:00");

test("a value that the database refuses is sent once, and is there after a reload", async ({ person, database }) => {
  await person.page.clock.install();
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  await form.field("title").fill("x".repeat(201));
  await form.save();
  await form.is("invalid");
  await expect(person.page.locator('[data-field="title"] .field-error')).toBeVisible();
  await fiveMinutesPass(person.page);
  await form.is("invalid");
  expect(presses).toHaveLength(1);
  await person.reloads();
  await form.holds("title", "x".repeat(201));
  expect(await database.audited("update", "activities")).toBe(0);
});

test("a right withdrawn while typing: it says so, keeps the text, and does not try again", async ({ colleague, database }) => {
  const { page } = colleague;
  await page.clock.install();
  const form = await colleague.opens("activities/1");
  const presses = pressesOf(page);
  await form.type("title", "Typed when it was allowed");
  await database.execute("UPDATE inkfast.account SET role = 'viewer' WHERE name = 'mira'");
  // Once the server knows it, a record is no form for her.
  const isForm = async () => /<form[^>]*data-resilient-form/.test(await (await page.request.get("/records/activities/2")).text());
  await expect.poll(isForm, { timeout: 30_000 }).toBe(false);
  await form.save();
  await expect(message(form)).toContainText("You may not save this record");
  await expect(colleague.toast(/You may not save this record/)).toBeVisible();
  await fiveMinutesPass(page);
  await form.holds("title", "Typed when it was allowed");
  await form.isKeptOnThisDevice();
  expect(presses).toHaveLength(1);
  expect(await database.audited("update", "activities")).toBe(0);
});

test("a text above the limit is not even sent: it says so, and stays", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  // Six characters each on the way: more than 32 MiB.
  const lines = 60_000;
  await form.field("notes").evaluate((notes: HTMLTextAreaElement, count) => {
    notes.value = `${"é".repeat(99)}\n`.repeat(count);
    notes.dispatchEvent(new Event("input", { bubbles: true }));
  }, lines);
  await form.saveButton.evaluate((button: HTMLButtonElement) => button.click());
  await expect(message(form)).toContainText("too large to be saved", { timeout: 30_000 });
  expect(await form.field("notes").evaluate((notes: HTMLTextAreaElement) => notes.value.length)).toBe(lines * 100);
  expect(presses).toHaveLength(0);
  expect(await database.audited("update", "activities")).toBe(0);
});
