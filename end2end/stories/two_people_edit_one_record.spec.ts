import { expect, test } from "../fixtures/story.ts";

test("different fields: both are kept", async ({ person, colleague, database }) => {
  const mine = await person.opens("activities/1");
  const hers = await colleague.opens("activities/1");
  await hers.type("notes", "Her note");
  await hers.save();
  await hers.is("saved");

  await mine.type("title", "My title");
  await mine.save();
  await mine.is("saved");
  await mine.holds("notes", "Her note");
  await expect(person.toast(/Somebody else had changed Notes; that is kept too/)).toBeVisible();
  expect(await database.row("SELECT title, notes FROM activities WHERE id = 1")).toEqual({ title: "My title", notes: "Her note" });
});

test("the same field: both are shown, nothing is overwritten until one is chosen", async ({ person, colleague, database }) => {
  const mine = await person.opens("activities/1");
  const hers = await colleague.opens("activities/1");
  await hers.type("title", "Her title");
  await hers.save();
  await hers.is("saved");

  await mine.type("title", "My title");
  await mine.save();
  await mine.is("conflict");
  await expect(mine.conflicts).toContainText("Her title");
  await expect(mine.conflicts).toContainText("My title");
  await mine.conflicts.getByText("Before both changes").click();
  await expect(mine.conflicts.locator(".conflict-base")).toContainText("Replace the belt of conveyor 4");
  await mine.holds("title", "My title");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Her title" });

  await mine.conflicts.getByRole("radio", { name: /^Mine/ }).check();
  await mine.save();
  await mine.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "My title" });
});

test("the same field with the same text is no conflict", async ({ person, colleague }) => {
  const mine = await person.opens("activities/1");
  const hers = await colleague.opens("activities/1");
  await hers.type("title", "We agree");
  await hers.save();
  await hers.is("saved");
  await mine.type("title", "We agree");
  await mine.save();
  await mine.is("saved");
});

test("a change past Inkfast is a conflict too", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await database.execute("UPDATE activities SET title = 'Changed by SQL' WHERE id = 1");
  await form.type("title", "Changed by me");
  await form.save();
  await form.is("conflict");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Changed by SQL" });
});
