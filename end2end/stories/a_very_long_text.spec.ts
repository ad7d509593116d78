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
const mostKeysTake = (form: RecordForm, column: string, keys: number): Promise<number> =>
  form.field(column).evaluate(async (control, count) => {
    const field = control as HTMLTextAreaElement;
    const took: number[] = [];
    for (let key = 0; key < count; key += 1) {
      field.setRangeText("k", 0, 0, "end");
      const begun = performance.now();
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      took.push(performance.now() - begun);
      // What the page does afterwards, drafts among it, gets its turn.
      await new Promise((over) => setTimeout(over, 50));
    }
    return took.sort((a, b) => a - b)[Math.floor(count * 0.8)]!;
  }, keys);

test("a text of five megabytes is kept, told to be too large for the server, typed on, and saved", async ({ person, database }) => {
  test.slow();
  const form = await person.opens("activities/1");
  const notes = form.field("notes");
  await notes.evaluate((area: HTMLTextAreaElement, length) => {
    area.value = `${"x".repeat(99)}\n`.repeat(length / 100);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }, fiveMegabytes);
  await expect(form.words).toHaveText(/^Unsaved changes, kept on this device. Too large for the server/, { timeout: 60_000 });

  const took = await mostKeysTake(form, "notes", 20);
  console.log(`a key in a text of 5 MB: ${took.toFixed(1)} ms`);
  expect(took).toBeLessThan(250);
  await expect(form.words).toHaveText(/^Unsaved changes, kept on this device/, { timeout: 60_000 });
  const [, draft] = (await draftsOn(person.page)).at(-1)!;
  expect(draft.length).toBeGreaterThan(fiveMegabytes);

  await person.reloads();
  await expect.poll(() => notes.evaluate((area: HTMLTextAreaElement) => area.value.length), { timeout: 60_000 }).toBe(fiveMegabytes + 20);
  expect(await notes.evaluate((area: HTMLTextAreaElement) => area.value.slice(0, 25))).toBe(`${"k".repeat(20)}xxxxx`);
  await form.saveButton.evaluate((button: HTMLButtonElement) => button.click());
  await expect(form.itself).toHaveAttribute("data-state", "saved", { timeout: 60_000 });
  expect(await database.row("SELECT length(notes) AS length FROM activities WHERE id = 1")).toEqual({ length: fiveMegabytes + 20 });
});

test("in a form of sixty fields the page keeps up with the keys", async ({ person }) => {
  const form = await person.opens("wide/1");
  const took = await mostKeysTake(form, "field_30", 40);
  console.log(`a key in a form of 60 fields: ${took.toFixed(1)} ms`);
  expect(took).toBeLessThan(50);
  await form.isKeptOnTheServer();
  await person.reloads();
  await form.holds("field_30", `${"k".repeat(40)}as it was`);
});
