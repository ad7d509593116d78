import type { Page } from "@playwright/test";
import { Person } from "../fixtures/person.ts";
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

interface Keys {
  /** Milliseconds until the page is done with a key. */
  took: number;
  /** How many milliseconds later than asked for the page gets its turn afterwards: what it does of its own accord, drafts among it. */
  late: number;
}

/** For most of so many keys: the rest a busy machine may take. */
const mostKeys = (form: RecordForm, column: string, keys: number): Promise<Keys> =>
  form.field(column).evaluate(async (control, count) => {
    const field = control as HTMLTextAreaElement;
    const took: number[] = [];
    const late: number[] = [];
    for (let key = 0; key < count; key += 1) {
      field.setRangeText("k", 0, 0, "end");
      const begun = performance.now();
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      const done = performance.now();
      took.push(done - begun);
      await new Promise((over) => setTimeout(over, 50));
      late.push(performance.now() - done - 50);
    }
    const most = (of: number[]) => of.sort((a, b) => a - b)[Math.floor(count * 0.8)]!;
    return { took: most(took), late: most(late) };
  }, keys);

/** The same in a short form that nobody has touched: what this machine takes at this time. */
async function inAShortForm(like: Page): Promise<Keys> {
  const short = new Person(await like.context().newPage());
  const keys = await mostKeys(await short.opens("activities/2"), "title", 40);
  await short.page.close();
  return keys;
}

/**
 * Neither is noticed: what a short form takes, and so many milliseconds more, at two of three times: between the two forms
 * this machine may have begun with something else. Answers how many keys were pressed.
 */
async function isUnnoticed(form: RecordForm, column: string, keys: number, more: number): Promise<number> {
  const written = ({ took, late }: Keys) => `${took.toFixed(1)} ms, and then ${late.toFixed(1)} ms late`;
  for (let round = 1, fits = 0; ; round += 1) {
    const short = await inAShortForm(form.page);
    const measured = await mostKeys(form, column, keys);
    console.log(`a key: ${written(measured)}; in a short form: ${written(short)}`);
    fits += Number(measured.took < short.took + more && measured.late < short.late + more);
    if (fits === 2) return round * keys;
    expect(round - fits, "so often it is noticed").toBeLessThan(2);
  }
}

test("a text of five megabytes is kept, told to be too large for the server, typed on, and saved", async ({ person, database }) => {
  test.slow();
  const form = await person.opens("activities/1");
  const notes = form.field("notes");
  await notes.evaluate((area: HTMLTextAreaElement, length) => {
    area.value = `${"x".repeat(99)}\n`.repeat(length / 100);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }, fiveMegabytes);
  await expect(form.words).toHaveText(/^Unsaved changes, kept on this device. Too large for the server/, { timeout: 60_000 });

  // To draw so long a text keeps the browser itself busy for seconds, in an empty page as well: what the form adds is measured.
  await notes.evaluate((area) => (area.style.display = "none"));
  const keys = await isUnnoticed(form, "notes", 20, 250);
  await expect(form.words).toHaveText(/^Unsaved changes, kept on this device/, { timeout: 60_000 });
  const lengths = (await draftsOn(person.page)).map(([, draft]) => draft.length);
  expect(Math.max(...lengths)).toBeGreaterThan(fiveMegabytes);

  await person.reloads();
  await expect.poll(() => notes.evaluate((area: HTMLTextAreaElement) => area.value.length), { timeout: 60_000 }).toBe(fiveMegabytes + keys);
  expect(await notes.evaluate((area: HTMLTextAreaElement) => area.value.slice(0, 205))).toMatch(new RegExp(`^k{${keys}}x{5}`));
  await form.saveButton.evaluate((button: HTMLButtonElement) => button.click());
  await expect(form.itself).toHaveAttribute("data-state", "saved", { timeout: 60_000 });
  expect(await database.row("SELECT length(notes) AS length FROM activities WHERE id = 1")).toEqual({ length: fiveMegabytes + keys });
});

test("in a form of sixty fields the page keeps up with the keys", async ({ person }) => {
  test.slow();
  const form = await person.opens("wide/1");
  const keys = await isUnnoticed(form, "field_30", 40, 50);
  await form.isKeptOnTheServer();
  await person.reloads();
  await form.holds("field_30", `${"k".repeat(keys)}as it was`);
});
