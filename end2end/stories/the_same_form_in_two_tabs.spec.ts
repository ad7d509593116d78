import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

/** Another tab of the same browser. */
async function anotherTab(person: Person): Promise<Person> {
  return new Person(await person.page.context().newPage());
}

test("each tab is told of unsaved text in the other, and both texts are kept, listed and shown", async ({ person }) => {
  const other = await anotherTab(person);
  const one = await person.opens("activities/1");
  const two = await other.opens("activities/1");
  await one.type("title", "Typed in the first tab");
  await one.isKeptOnTheServer();
  await expect(two.itself.locator("[data-other-tabs]")).toContainText("Also open in another tab with unsaved text");
  const late = await anotherTab(person);
  const three = await late.opens("activities/1");
  await expect(three.itself.locator("[data-other-tabs]")).toBeVisible();
  await late.page.close();
  await two.type("notes", "Typed in the second tab");
  await two.isKeptOnTheServer();
  await expect(one.itself.locator("[data-other-tabs]")).toBeVisible();
  await two.itself.locator("[data-beside] summary").click();
  await expect(two.itself.locator("[data-beside]")).toContainText("Typed in the first tab");

  await other.page.goto("/drafts");
  await expect(other.page.locator(".unsaved-form")).toHaveCount(1);
  await expect(other.page.locator(".unsaved-form [data-draft-state]")).toHaveCount(2);
  await person.page.close();
  const again = await other.opens("activities/1");
  await again.holds("notes", "Typed in the second tab");
  await again.itself.locator("[data-beside] summary").click();
  await expect(again.page.locator("main")).toContainText("Typed in the first tab");
  await expect(again.itself.locator("[data-other-tabs]")).toHaveCount(0);
});

test("after a save in one tab a clean one says that it is out of date, and a dirty one merges", async ({ person, database }) => {
  const other = await anotherTab(person);
  const third = await anotherTab(person);
  const one = await person.opens("activities/1");
  const clean = await other.opens("activities/1");
  const dirty = await third.opens("activities/1");
  await dirty.type("notes", "My note");
  await one.type("title", "Saved in the first tab");
  await one.save();
  await one.is("saved");

  await expect(clean.itself.locator("[data-outdated]")).toContainText("You saved this record in another tab");
  await clean.itself.getByRole("button", { name: "Show it as it is now" }).click();
  await other.isHydrated();
  await clean.holds("title", "Saved in the first tab");

  await expect(dirty.itself.locator("[data-outdated]")).toBeVisible();
  await dirty.holds("notes", "My note");
  await dirty.save();
  await dirty.is("saved");
  await dirty.holds("title", "Saved in the first tab");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Saved in the first tab", notes: "My note" });
  expect(await database.audited("update", "activities")).toBe(2);
});

test("a save that waits is sent once, and both tabs show that it was", async ({ person, inkfast, database }) => {
  const one = await person.opens("activities/1");
  await one.type("title", "Waits");
  await inkfast.kill();
  await one.save();
  await one.is("queued");
  await inkfast.startAgain();
  const other = await anotherTab(person);
  const two = await other.opens("activities/1");
  await one.is("saved");
  await two.holds("title", "Waits");
  await expect(two.itself).toHaveAttribute("data-state", /saved|clean/);
  expect(await database.audited("update", "activities")).toBe(1);
});

test("two tabs never write under one name", async ({ person }) => {
  const one = await person.opens("activities/1");
  const [copy] = await Promise.all([
    person.page.context().waitForEvent("page"),
    person.page.evaluate(() => window.open(location.href)),
  ]);
  const duplicate = new Person(copy);
  await duplicate.isHydrated();
  const writer = (page: typeof copy) => page.locator("form[data-resilient-form]").getAttribute("data-writer");
  expect(await writer(copy)).not.toBe(await writer(one.page));
});
