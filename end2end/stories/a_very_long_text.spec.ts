import type { Page } from "@playwright/test";
import type { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";
import { draftsOn } from "../fixtures/watching.ts";

const columns = Array.from({ length: 60 }, (_, at) => `field_${at} text NOT NULL DEFAULT 'as it was'`);

test.use({
  moreSchema: `
    CREATE TABLE wide (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${columns.join(", ")});
    INSERT INTO wide DEFAULT VALUES;`,
});

const fiveMegabytes = 5 * 1000 * 1000;

/** Milliseconds until the page is done with a key, for most of so many keys: the rest a busy machine may take. */
async function mostKeysTake(page: Page, form: RecordForm, column: string, keys: number): Promise<number> {
  await form.field(column).focus();
  await page.evaluate(() => {
    const took: number[] = [];
    Object.assign(window, { took });
    let begun = 0;
    addEventListener("input", () => (begun = performance.now()), true);
    // Heard after every listener of the form.
    addEventListener("input", () => took.push(performance.now() - begun));
  });
  for (let key = 0; key < keys; key += 1) await page.keyboard.press("k");
  const took = await page.evaluate(() => (window as unknown as { took: number[] }).took);
  expect(took).toHaveLength(keys);
  return took.sort((a, b) => a - b)[Math.floor(keys * 0.8)]!;
}

test("a text of five megabytes is kept, told to be too large for the server, typed on, and saved", async ({ person, database }) => {
  test.slow();
  const form = await person.opens("activities/1");
  const notes = form.field("notes");
  await notes.evaluate((area: HTMLTextAreaElement, length) => {
    area.value = "0123456789".repeat(length / 10);
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.setSelectionRange(0, 0);
  }, fiveMegabytes);
  await expect(form.words).toHaveText(/^Unsaved changes, kept on this device. Too large for the server/, { timeout: 30_000 });
  await expect(person.toast(/too large to be kept on the server; it is kept on this device/)).toBeVisible();

  const took = await mostKeysTake(person.page, form, "notes", 20);
  console.log(`a key in a text of 5 MB: ${took.toFixed(1)} ms`);
  expect(took).toBeLessThan(250);
  await expect(form.words).toHaveText(/^Unsaved changes, kept on this device/, { timeout: 30_000 });
  const [, draft] = (await draftsOn(person.page)).at(-1)!;
  expect(draft.length).toBeGreaterThan(fiveMegabytes);

  await person.reloads();
  await expect.poll(() => notes.evaluate((area: HTMLTextAreaElement) => area.value.length), { timeout: 30_000 }).toBe(fiveMegabytes + 20);
  expect(await notes.evaluate((area: HTMLTextAreaElement) => area.value.slice(0, 25))).toBe(`${"k".repeat(20)}01234`);
  await form.save();
  await expect(form.itself).toHaveAttribute("data-state", "saved", { timeout: 30_000 });
  expect(await database.row("SELECT length(notes) AS length FROM activities WHERE id = 1")).toEqual({ length: fiveMegabytes + 20 });
});

test("in a form of sixty fields the page keeps up with the keys", async ({ person }) => {
  const form = await person.opens("wide/1");
  const took = await mostKeysTake(person.page, form, "field_30", 40);
  console.log(`a key in a form of 60 fields: ${took.toFixed(1)} ms`);
  expect(took).toBeLessThan(50);
  await form.isKeptOnTheServer();
  await person.reloads();
  await form.holds("field_30", `as it was${"k".repeat(40)}`);
});
