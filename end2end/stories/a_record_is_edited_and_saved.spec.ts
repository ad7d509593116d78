import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";
import { draftsOn, wouldBeAsked } from "../fixtures/watching.ts";

test("a record is found in the list, edited and saved", async ({ person, database }) => {
  await person.page.goto("/records/activities");
  await person.page.locator('a[href="/records/activities/1"]').first().click();
  await person.isHydrated();
  const form = new RecordForm(person.page);
  await form.is("clean");

  await form.type("title", "Replace both belts");
  await form.is("dirty");
  await form.save();
  await form.is("saved");
  await form.saysAllIsSaved();

  const row = await database.row("SELECT title, notes, hours::text FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Replace both belts", notes: "Order the belt first.", hours: "3.50" });
  expect(await database.audited("update", "activities")).toBe(1);

  await person.reloads();
  await form.holds("title", "Replace both belts");
  await form.is("clean");
});

test("a second Save after a first one saves the newer text", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "First");
  await form.save();
  await form.is("saved");
  await form.type("title", "Second");
  await form.is("dirty");
  await form.save();
  await form.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Second" });
  expect(await database.audited("update", "activities")).toBe(2);
});

test("two clicks on Save are one save", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Clicked twice");
  await form.saveButton.dblclick();
  await form.is("saved");
  expect(await database.audited("update", "activities")).toBe(1);
});

test("what the database refuses is said at its field, and the text stays", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.field("title").fill("x".repeat(201));
  await form.save();
  await form.is("invalid");
  await expect(person.page.locator('[data-field="title"] .field-error')).toBeVisible();
  await form.holds("title", "x".repeat(201));
  expect(await database.audited("update", "activities")).toBe(0);
});

test("typing back what stood there leaves nothing to save", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Something else");
  await form.is("dirty");
  await form.isKeptOnTheServer();
  expect(await draftsOn(person.page)).not.toEqual([]);
  await form.type("title", "Replace the belt of conveyor 4");
  await form.is("clean");
  await expect.poll(() => draftsOn(person.page)).toEqual([]);
  expect(await wouldBeAsked(person.page)).toBe(false);
  const onTheServer = async () => (await person.page.request.get("/api/drafts/activities/1")).status();
  await expect.poll(onTheServer).toBe(404);
  await person.reloads();
  await form.is("clean");
});

test("typed back after a draft went to the server, and left at once: nothing is restored", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Something in between");
  await form.isKeptOnTheServer();
  // The server hears nothing of what follows before the page is left.
  await person.page.route("**/api/drafts/**", (route) => (route.request().method() === "DELETE" ? route.abort() : route.continue()));
  await form.type("title", "Replace the belt of conveyor 4");
  await form.is("clean");
  await person.reloads();
  await form.is("clean");
  await form.holds("title", "Replace the belt of conveyor 4");
  await expect(person.toast(/restored/i)).toHaveCount(0);
});

test("what the database makes of one's own save is no conflict at the next one", async ({ person, database }) => {
  await database.execute(
    "ALTER TABLE activities ADD changed_at timestamptz NOT NULL DEFAULT now(), ADD revision integer NOT NULL DEFAULT 0; " +
      "CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS " +
      "'BEGIN NEW.changed_at = clock_timestamp(); NEW.revision = OLD.revision + 1; NEW.title = trim(NEW.title); RETURN NEW; END'; " +
      "CREATE TRIGGER count_it BEFORE UPDATE ON activities FOR EACH ROW EXECUTE FUNCTION count_it()",
  );
  const form = await person.opens("activities/1");
  for (const [title, hours, stored] of [
    ["  Trimmed once  ", "1.5", "1.50"],
    ["  Trimmed twice ", "2", "2.00"],
  ] as const) {
    await form.type("title", title);
    await form.type("hours", hours);
    await form.isKeptOnTheServer();
    await form.save();
    await form.is("saved");
    await form.holds("title", title.trim());
    await form.holds("hours", stored);
  }
  await person.reloads();
  await form.type("notes", "A third save");
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT title, hours::text, notes, revision FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Trimmed twice", hours: "2.00", notes: "A third save", revision: 3 });
});
