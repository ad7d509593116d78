// What becomes of unsaved text when the record, its table, or what it refers to is not as it was.
import { textOnDevice } from "../fixtures/device.ts";
import { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";

test("unsaved text that the record says by now: nobody is asked about it, and it goes from this device", async ({ person, database }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.isKeptOnThisDevice();
  expect(await textOnDevice(person.page)).toContain("Inspect every valve");
  await database.execute("UPDATE activities SET title = 'Inspect every valve' WHERE id = 2");

  await person.reloads();
  await form.is("clean");
  await form.holds("title", "Inspect every valve");
  await expect.poll(() => textOnDevice(person.page)).toBe("");
  await expect(person.page.locator("[data-toast], [data-restored-notice], [data-draft-notice], [data-beside]")).toHaveCount(0);
});

test("text kept on the server meets a record that was changed: it is compared, restored by field or whole, or discarded", async ({
  person,
  browser,
  contextOptions,
  baseURL,
  database,
}) => {
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.type("notes", "Twice");
  await form.isKeptOnTheServer();
  await database.execute("UPDATE activities SET title = 'Replace the valve' WHERE id = 2");

  // Another device has nothing but what the server kept.
  const context = await browser.newContext({ ...contextOptions, baseURL });
  const there = new Person(await context.newPage());
  await there.signsIn();
  const shown = await there.opens("activities/2");
  await shown.holds("title", "Replace the valve");
  await shown.holds("notes", "The gauge reads 0.3 bar too much.");
  await shown.is("clean");
  const notice = there.page.locator(".notice").filter({ hasText: "the record was changed since" });
  await notice.getByText("Compare the text of").click();
  const title = notice.locator(".conflict").filter({ hasText: "Title" });
  await expect(title.locator(".conflict-mine")).toContainText("Inspect every valve");
  await expect(title.locator(".conflict-theirs")).toContainText("Replace the valve");
  const notes = notice.locator(".conflict").filter({ hasText: "Notes" });
  await notes.getByRole("link", { name: "Restore this field" }).click();
  await there.isHydrated();
  await shown.holds("notes", "Twice");
  await shown.holds("title", "Replace the valve");
  await notice.getByRole("link", { name: "Restore all" }).click();
  await there.isHydrated();
  await shown.holds("title", "Inspect every valve");
  expect(await database.row("SELECT title FROM activities WHERE id = 2")).toEqual({ title: "Replace the valve" });
  await context.close();

  // The device it was typed on puts it into the form, and asks before it overwrites anything.
  await person.reloads();
  await form.is("conflict");
  await form.holds("notes", "Twice");
  await expect(form.conflicts.locator('[data-conflict="title"] [data-side="theirs"]')).toContainText("Replace the valve");
  await expect(form.conflicts.locator('[data-conflict="notes"]')).toHaveCount(0);
  await form.save();
  await form.is("conflict");
  expect(await database.audited("update", "activities")).toBe(0);
});

test("columns are dropped, renamed, made NOT NULL and narrower: what fits is restored, the rest is there to copy", async ({
  person,
  browser,
  contextOptions,
  baseURL,
  database,
}) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Replace both belts");
  await form.type("notes", "Order two of them");
  await form.field("due_on").fill("2026-12-24");
  await form.type("hours", "12.75");
  await form.field("technician_id").selectOption("");
  await form.isKeptOnTheServer();
  await database.execute(
    "ALTER TABLE activities DROP notes, ALTER hours TYPE numeric(3, 2), ALTER technician_id SET NOT NULL; " +
      "ALTER TABLE activities RENAME due_on TO due_by",
  );

  const context = await browser.newContext({ ...contextOptions, baseURL });
  const elsewhere = new Person(await context.newPage());
  await elsewhere.signsIn();
  for (const place of [elsewhere, person]) {
    const restored = await place.opens("activities/1");
    await restored.holds("title", "Replace both belts");
    await restored.holds("hours", "12.75");
    await restored.holds("technician_id", "");
    await restored.is("dirty");
    const toCopy = place.page.locator(".notice").filter({ hasText: "has no field here any more", visible: true });
    await expect(toCopy.first()).toContainText("Order two of them");
    await expect(toCopy.first()).toContainText("2026-12-24");
  }
  await context.close();

  // What fits no more is said at its field, and costs nothing else.
  await form.save();
  await form.is("invalid");
  for (const column of ["hours", "technician_id"]) {
    await expect(person.page.locator(`[data-field="${column}"] .field-error`)).not.toBeEmpty();
  }
  await form.holds("hours", "12.75");
  await form.type("hours", "2.75");
  await form.field("technician_id").selectOption("2");
  await form.save();
  await expect(form.words).not.toContainText("Not saved");
  await expect
    .poll(() => database.row("SELECT title, hours::text, technician_id, due_by::text FROM activities WHERE id = 1"))
    .toEqual({ title: "Replace both belts", hours: "2.75", technician_id: 2, due_by: "2026-12-01" });
  // In no record yet: still there to copy.
  await person.reloads();
  await expect(person.page.locator("main")).toContainText("Order two of them");
});

test("the record is deleted while somebody types: Save says so, the text stays, and Create as new makes it a record", async ({
  person,
  database,
}) => {
  const form = await person.opens("activities/3");
  await form.type("title", "Grease every bearing");
  await form.type("notes", "Twice a year");
  await database.execute("DELETE FROM activities WHERE id = 3");
  await form.save();
  const gone = form.itself.locator('[data-banner="message"]').filter({ hasText: "somebody deleted it" });
  await expect(gone).toContainText("Your text is kept");
  await form.holds("title", "Grease every bearing");
  await form.is("dirty");
  expect(await database.rows("SELECT id FROM activities WHERE id = 3")).toEqual([]);

  await gone.getByRole("button", { name: "Create as new" }).click();
  await expect(person.page).toHaveURL(/\/records\/activities\/new\?form=/);
  await person.isHydrated();
  await form.holds("title", "Grease every bearing");
  await form.holds("technician_id", "3");
  await form.save();
  await form.is("saved");
  const made = await database.row("SELECT notes, technician_id FROM activities WHERE title = 'Grease every bearing'");
  expect(made).toEqual({ notes: "Twice a year", technician_id: 3 });
});

test("the record was deleted meanwhile: what was typed is in the form of a new one", async ({ person, browser, contextOptions, baseURL, database }) => {
  const form = await person.opens("activities/3");
  await form.type("title", "Grease every bearing");
  await form.isKeptOnTheServer();
  await database.execute("DELETE FROM activities WHERE id = 3");
  const context = await browser.newContext({ ...contextOptions, baseURL });
  for (const place of [new Person(await context.newPage()), person]) {
    if (place !== person) await place.signsIn();
    const answer = await place.page.goto("/records/activities/3");
    expect(answer?.status()).toBe(404);
    await place.isHydrated();
    await expect(place.page.locator("main")).toContainText("This record was deleted meanwhile");
    await form.holds("title", "Grease every bearing");
  }
  await context.close();
  // What stands in the form is not offered a second time.
  await expect(person.page.locator("[data-device-drafts]")).toHaveCount(1);
  await expect(person.page.locator("[data-device-draft]")).toHaveCount(0);
  await form.save();
  await form.is("saved");
  expect(await database.rows("SELECT id FROM activities WHERE title = 'Grease every bearing'")).toHaveLength(1);
});

test("the record was deleted, and only this device has what was typed: it is read on its page, and made a new one or discarded", async ({
  person,
  database,
}) => {
  await person.hasOnlyThisDevice();
  for (const id of [3, 4]) {
    const form = await person.opens(`activities/${id}`);
    await form.type("title", `Typed into ${id}`);
    await form.isKeptOnThisDevice();
  }
  await database.execute("DELETE FROM activities WHERE id IN (3, 4)");
  await person.page.goto("/records/activities/3");
  const kept = person.page.locator("[data-device-draft]");
  await kept.getByText("Show the text").click();
  await expect(kept).toContainText("Typed into 3");
  await kept.getByRole("button", { name: "Create as new" }).click();
  await expect(person.page).toHaveURL(/\/records\/activities\/new\?form=/);
  await person.isHydrated();
  const form = new RecordForm(person.page);
  await form.holds("title", "Typed into 3");
  await form.save();
  await form.is("saved");
  expect(await database.rows("SELECT id FROM activities WHERE title = 'Typed into 3'")).toHaveLength(1);
  await expect.poll(() => textOnDevice(person.page)).not.toContain("Typed into 3");

  await person.page.goto("/records/activities/4");
  await kept.getByText("Show the text").click();
  await expect(kept).toContainText("Typed into 4");
  await kept.getByRole("button", { name: "Discard it" }).click();
  await expect.poll(() => textOnDevice(person.page)).toBe("");
  // Of a record that never was there is nothing to tell.
  await person.page.goto("/records/activities/999999");
  await expect(person.page.getByRole("heading", { name: "Not found" })).toBeVisible();
  await expect(person.page.getByText("On this device")).toHaveCount(0);
});

test("what a field refers to is deleted before Save: it is said at that field, and the rest stays", async ({ person, database }) => {
  await database.execute("INSERT INTO technicians (name) VALUES ('Noor Quist')");
  const form = await person.opens("activities/1");
  await form.type("notes", "Noor does it");
  await form.field("technician_id").selectOption({ label: "Noor Quist" });
  await database.execute("DELETE FROM technicians WHERE name = 'Noor Quist'");
  await form.save();
  await form.is("invalid");
  await expect(person.page.locator('[data-field="technician_id"] .field-error')).toHaveText("The selected entry no longer exists.");
  await form.holds("notes", "Noor does it");
  expect(await database.audited("update", "activities")).toBe(0);

  await form.field("technician_id").selectOption("2");
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT notes, technician_id FROM activities WHERE id = 1");
  expect(row).toEqual({ notes: "Noor does it", technician_id: 2 });
});
