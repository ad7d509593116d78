// Left in the middle of a word: what the page is told last is all it gets. Its clock stands still, so that nothing
// is kept because time went by.
import { ends } from "../fixtures/device.ts";
import type { Page } from "@playwright/test";
import type { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";
import { draftsOn, standsStill } from "../fixtures/watching.ts";

const typed = "To the very last letter";

/** Types into a page that has no time to keep anything. */
async function typesInNoTime(person: Person): Promise<RecordForm> {
  const form = await person.opens("activities/1");
  await standsStill(person.page);
  await form.type("title", typed);
  await expect(form.words).toHaveText("Unsaved changes");
  expect(await draftsOn(person.page)).toEqual([]);
  return form;
}

/** What a new page of the same browser shows; a page gone by crash or by close is no use any more. */
async function showsInANewPage(page: Page): Promise<void> {
  await page.goto("/records/activities/1");
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", /.*/);
  const form = new RecordForm(page);
  await form.holds("title", typed);
  await form.is("dirty");
}

test.beforeEach(async ({ person }) => {
  await person.hasOnlyThisDevice();
  await person.page.clock.install();
});

test("another page is opened in the middle of a word: nothing is lost", async ({ person }) => {
  await typesInNoTime(person);
  person.page.on("dialog", (asked) => asked.accept());
  await person.page.goto("/livez");
  await person.page.clock.resume();
  await showsInANewPage(person.page);
});

test("the tab is closed in the middle of a word: nothing is lost", async ({ person }) => {
  await typesInNoTime(person);
  const context = person.page.context();
  // So the next page is there before the last one goes: a browser without pages may end.
  const next = await context.newPage();
  const closed = person.page.waitForEvent("close");
  person.page.on("dialog", (asked) => asked.accept());
  await person.page.close({ runBeforeUnload: true });
  await closed;
  await next.clock.resume();
  await showsInANewPage(next);
});

test("hidden as by a change to another app, and never shown again: nothing is lost", async ({ person }) => {
  const form = await typesInNoTime(person);
  // A phone says no more than this before it ends what it has put away.
  await person.page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await form.isKeptOnThisDevice();
  const context = person.page.context();
  await ends(person.page);
  const next = await context.newPage();
  await next.clock.resume();
  await showsInANewPage(next);
});
