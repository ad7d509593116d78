import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "../fixtures/story.ts";

test("differences are marked by word, and after Save the choice has the focus", async ({ person, colleague, database }) => {
  const mine = await person.opens("activities/1");
  const hers = await colleague.opens("activities/1");
  await hers.type("title", "Replace the worn drive belt");
  await hers.save();
  await hers.is("saved");
  await mine.type("title", "Replace the drive belt today");
  await mine.save();
  await mine.is("conflict");

  const choice = mine.conflicts.locator('[data-conflict="title"]');
  await expect(choice.locator('[data-side="mine"] mark')).toHaveText(/today/);
  await expect(choice.locator('[data-side="theirs"] mark')).toHaveText(/worn/);
  await expect(choice.getByRole("radio").first()).toBeFocused();
  await expect(choice.getByRole("radio", { name: /^Mine/ })).not.toBeChecked();

  // By keyboard alone: theirs, and Save.
  await person.page.keyboard.press("ArrowDown");
  await expect(choice.getByRole("radio", { name: /^Theirs/ })).toBeChecked();
  await mine.holds("title", "Replace the worn drive belt");
  await person.page.keyboard.press("ControlOrMeta+s");
  await mine.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Replace the worn drive belt" });
});

test("Edit on leads into the field, and what is typed there is what Save saves", async ({ person, colleague, database }) => {
  const mine = await person.opens("activities/1");
  const hers = await colleague.opens("activities/1");
  await hers.type("notes", "Her line");
  await hers.save();
  await hers.is("saved");
  await mine.type("notes", "My line");
  await mine.save();
  await mine.is("conflict");

  await mine.conflicts.getByRole("button", { name: "Edit on" }).click();
  await expect(mine.field("notes")).toBeFocused();
  await mine.type("notes", "Both lines");
  await expect(mine.conflicts).toContainText("Your new text is in the field");
  await expect(mine.conflicts.locator('[data-side="mine"]')).toContainText("My line");
  await mine.save();
  await mine.is("saved");
  expect(await database.row("SELECT notes FROM activities WHERE id = 1")).toEqual({ notes: "Both lines" });
});

test("an option is shown by its words, not by its value", async ({ person, colleague }) => {
  const mine = await person.opens("activities/1");
  const hers = await colleague.opens("activities/1");
  const options = await mine.field("technician_id").locator("option").evaluateAll((options) => {
    return options.map((option) => ({ value: (option as HTMLOptionElement).value, words: option.textContent }));
  });
  const present = await mine.field("technician_id").inputValue();
  const [first, second] = options.filter((option) => option.value !== present && option.value !== "");
  await hers.field("technician_id").selectOption(first!.value);
  await hers.save();
  await hers.is("saved");
  await mine.field("technician_id").selectOption(second!.value);
  await mine.save();
  await mine.is("conflict");
  await expect(mine.conflicts.locator('[data-side="theirs"]')).toContainText(first!.words!);
  await expect(mine.conflicts.locator('[data-side="mine"]')).toContainText(second!.words!);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`a conflict is accessible and fits a phone (${colorScheme})`, async ({ person, colleague }) => {
    await person.page.emulateMedia({ colorScheme });
    const mine = await person.opens("activities/1");
    const hers = await colleague.opens("activities/1");
    await hers.type("title", "Her title");
    await hers.save();
    await hers.is("saved");
    await mine.type("title", "My title");
    await mine.save();
    await mine.is("conflict");
    const found = await new AxeBuilder({ page: person.page }).exclude("[data-toast]").analyze();
    expect(found.violations).toEqual([]);

    await person.page.setViewportSize({ width: 390, height: 844 });
    const sides = mine.conflicts.locator(".conflict-side");
    const [one, other] = [await sides.nth(0).boundingBox(), await sides.nth(1).boundingBox()];
    expect(other!.y).toBeGreaterThan(one!.y + one!.height - 1);
    expect(await person.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });
}

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("theirs can be chosen, field by field", async ({ person, database }) => {
    const form = await person.opensWithoutWaiting("activities/1");
    await database.execute("UPDATE activities SET title = 'Hers', notes = 'Her note' WHERE id = 1");
    await form.field("title").fill("Mine");
    await form.field("notes").fill("My note");
    await form.save();
    await expect(form.conflicts).toContainText("Hers");
    await form.conflicts.locator('[data-conflict="title"]').getByRole("radio", { name: /^Theirs/ }).check();
    await form.conflicts.locator('[data-conflict="notes"]').getByRole("radio", { name: /^Mine/ }).check();
    await form.save();
    await expect(person.page).toHaveURL(/saved=/);
    expect(await database.row("SELECT title, notes FROM activities WHERE id = 1")).toEqual({ title: "Hers", notes: "My note" });
  });
});
