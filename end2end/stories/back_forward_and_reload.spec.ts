// What a browser shows again by itself is neither taken for the record nor brought back after it was saved.
import type { Page } from "@playwright/test";
import { holdsTheModule } from "../fixtures/network.ts";
import { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";

test("after a save, Back, Forward and a reload show what was saved, restore nothing, and the next save meets no conflict", async ({
  person,
  database,
}) => {
  await person.page.goto("/records/activities");
  await person.page.locator('a[href="/records/activities/2"]').first().click();
  await person.isHydrated();
  const form = new RecordForm(person.page);
  await form.type("title", "Saved for good");
  await form.isKeptOnTheServer();
  await form.save();
  await form.is("saved");
  await person.page.getByRole("link", { name: "History" }).click();
  await expect(person.page).toHaveURL(/\/history$/);

  const goes = [() => person.page.goBack(), () => person.page.reload()];
  for (const go of [...goes, async () => void ((await person.page.goBack()), await person.page.goForward())]) {
    await go();
    await person.isHydrated();
    await form.holds("title", "Saved for good");
    await expect(form.itself).toHaveAttribute("data-state", /clean|saved/);
    await expect(person.page.locator("[data-toast], [data-restored-notice], [data-draft-notice], [data-beside]")).toHaveCount(0);
  }
  await form.type("notes", "Saved after it");
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 2");
  expect(row).toEqual({ title: "Saved for good", notes: "Saved after it" });
  expect(await database.audited("update", "activities")).toBe(2);
});

/** What stops the news of other tabs and of the server: it has to be there before the page's own listeners. */
const canBeDeaf = `
  addEventListener("storage", (event) => window.isAway && event.stopImmediatePropagation());
  const unlessAway = (heard) => heard && ((event) => window.isAway || heard(event));
  const [Channel, Source] = [BroadcastChannel, EventSource];
  window.BroadcastChannel = class extends Channel {
    addEventListener(name, heard) { super.addEventListener(name, unlessAway(heard)); }
  };
  window.EventSource = class extends Source {
    addEventListener(name, heard) { super.addEventListener(name, unlessAway(heard)); }
  };
`;

async function opensDeafly(person: Person): Promise<RecordForm> {
  await person.page.addInitScript({ content: canBeDeaf });
  return person.opens("activities/1");
}

/** From now on it hears nothing, as one that the browser has put away. */
const putAway = (page: Page) => page.evaluate(() => void Object.assign(window, { isAway: true }));

const shownAgain = (page: Page) =>
  page.evaluate(() => {
    Reflect.deleteProperty(window, "isAway");
    window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  });

test("a page that the browser had put away, and shows again, says what was saved meanwhile", async ({ person, database }) => {
  const form = await opensDeafly(person);
  await form.type("title", "Typed before it was put away");
  await form.isKeptOnTheServer();
  await putAway(person.page);
  const other = new Person(await person.page.context().newPage());
  const there = await other.opens("activities/1");
  await there.holds("title", "Typed before it was put away");
  await there.save();
  await there.is("saved");
  await other.page.close();
  await form.is("dirty");

  await shownAgain(person.page);
  await expect(form.itself).toHaveAttribute("data-state", /clean|saved/);
  await form.saysAllIsSaved();
  await expect(form.itself.locator("[data-outdated]")).toContainText("You saved this record in another tab");
  await form.holds("title", "Typed before it was put away");
  await form.type("notes", "And on");
  await form.save();
  await form.is("saved");
  expect(await database.audited("update", "activities")).toBe(2);
});

test("a page that the browser had put away, and shows again, has no text that was discarded meanwhile", async ({ person }) => {
  const form = await opensDeafly(person);
  const before = await form.field("title").inputValue();
  await form.type("title", "Thrown away elsewhere");
  await form.isKeptOnTheServer();
  await putAway(person.page);
  const other = new Person(await person.page.context().newPage());
  const there = await other.opens("activities/1");
  await there.holds("title", "Thrown away elsewhere");
  await there.itself.getByRole("button", { name: "Discard", exact: true }).first().click();
  await there.holds("title", before);
  await other.page.close();
  await form.holds("title", "Thrown away elsewhere");

  await shownAgain(person.page);
  await form.holds("title", before);
  await form.is("clean");
});

test("fields that the browser put back before the script ran count as typed: the record is what the server drew", async ({
  person,
  database,
}) => {
  const { page } = person;
  const arrive = await holdsTheModule(page);
  const form = await person.opensWithoutWaiting("activities/1");
  // Hidden controls are told to be left alone.
  const hidden = form.itself.locator('input[type="hidden"]');
  for (const control of [form.itself, ...(await hidden.all())]) await expect(control).toHaveAttribute("autocomplete", "off");
  // Without a word to anybody, as a browser does that loads a page softly.
  await page.evaluate(() => {
    const put = (name: string, value: string) => {
      const control = document.querySelector<HTMLInputElement | HTMLSelectElement>(`form[data-resilient-form] [name="${name}"]`);
      control!.value = value;
    };
    put("v.title", "Put back by the browser");
    put("v.status", "done");
  });
  arrive();
  await person.isHydrated();
  await form.is("dirty");
  await form.holds("title", "Put back by the browser");

  // The record's own text is no change, whatever stood in the field when the page was there.
  await form.type("title", "Replace the belt of conveyor 4");
  await form.field("status").selectOption("planned");
  await form.is("clean");
  await form.type("title", "Typed after all");
  await database.execute("UPDATE activities SET title = 'By somebody else' WHERE id = 1");
  await form.save();
  await form.is("conflict");
  await form.conflicts.getByText("Before both changes").click();
  await expect(form.conflicts.locator(".conflict-base")).toContainText("Replace the belt of conveyor 4");
});
