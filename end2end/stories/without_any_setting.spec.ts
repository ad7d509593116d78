import { Inkfast } from "../fixtures/inkfast.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test as story } from "../fixtures/story.ts";

/** On the embedded database, made at first start. */
const test = story.extend({
  inkfast: async ({}, use) => {
    const inkfast = await Inkfast.start(undefined);
    await use(inkfast);
    await inkfast.end();
  },
});

test("the demonstration is there, can be edited, and stays over a restart", async ({ person, inkfast }) => {
  await person.page.goto("/records/activities");
  const first = person.page.locator('tbody a[href^="/records/activities/"]').first();
  const address = (await first.getAttribute("href"))!;
  await first.click();
  await person.isHydrated();
  const form = new RecordForm(person.page);
  await form.type("title", "Edited on SQLite");
  await form.save();
  await form.is("saved");

  await inkfast.kill();
  await inkfast.startAgain();
  await person.opens(address.replace("/records/", ""));
  await form.holds("title", "Edited on SQLite");
  await form.is("clean");
});

test("every table of the demonstration opens", async ({ person }) => {
  await person.page.goto("/");
  const tables = await person.page.locator('a[href^="/records/"]').evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
  expect(new Set(tables).size).toBeGreaterThanOrEqual(9);
  for (const table of new Set(tables)) {
    const answer = await person.page.goto(table);
    expect(answer?.status(), table).toBe(200);
  }
});
