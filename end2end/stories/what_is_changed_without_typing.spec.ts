import { expect, test } from "../fixtures/story.ts";

// One at a time: each is all that was changed.
const changes = [
  { what: "an option is chosen", column: "status", chosen: "done" },
  { what: "yes or no is chosen", column: "urgent", chosen: "true" },
  { what: "another record is referred to", column: "technician_id", chosen: "3" },
] as const;

for (const { what, column, chosen } of changes) {
  test(`only ${what}: it is there after a reload, and is saved`, async ({ person, database }) => {
    await person.hasOnlyThisDevice();
    const form = await person.opens("activities/1");
    const field = form.field(column);
    // A short list is a select, a long one a line with suggestions.
    const isSelect = await field.evaluate((control) => control.tagName === "SELECT");
    await (isSelect ? field.selectOption(chosen) : field.fill(chosen));
    await form.is("dirty");
    await form.isKeptOnThisDevice();

    await person.reloads();
    await form.holds(column, chosen);
    await form.is("dirty");
    await form.save();
    await form.is("saved");
    const row = await database.row<{ value: string }>(`SELECT ${column}::text AS value FROM activities WHERE id = 1`);
    expect(row.value).toBe(chosen);
    expect(await database.audited("update", "activities")).toBe(1);
  });
}

test("only NULL is ticked: it is there after a reload, and is saved", async ({ person, database }) => {
  await person.hasOnlyThisDevice();
  await database.execute("UPDATE activities SET notes = '' WHERE id = 1");
  const form = await person.opens("activities/1");
  const none = form.itself.locator('[name="n.notes"]');
  await none.check();
  await form.isKeptOnThisDevice();

  await person.reloads();
  await expect(none).toBeChecked();
  await form.is("dirty");
  await form.save();
  await form.is("saved");
  expect(await database.row("SELECT notes FROM activities WHERE id = 1")).toEqual({ notes: null });
});
