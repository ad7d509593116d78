// No mouse, and nothing that a script does in its place: keys are pressed, and the focus is seen at every stop.
import { adminPassword } from "../fixtures/inkfast.ts";
import { Keyboard } from "../fixtures/keyboard.ts";
import { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";

test.describe("with a way that breaks", () => {
  test.use({ behindAWay: true });
  test.beforeEach(({}, info) => info.setTimeout(180_000));

  test("edit, lose the connection, come back to the text, resolve a conflict, save: by keyboard alone", async ({ page, inkfast, database }) => {
    const person = new Person(page);
    const keyboard = new Keyboard(page);
    const form = new RecordForm(page);

    // Signs in where the address bar led to.
    await page.goto("/login");
    await keyboard.isAt(page.locator('[name="username"]'));
    await keyboard.types("admin");
    await keyboard.goesTo(page.locator('[name="password"]'));
    await keyboard.types(adminPassword);
    await keyboard.press("Enter");
    await expect(page).not.toHaveURL(/\/login/);
    await person.isHydrated();

    // Finds the table, then the record.
    await keyboard.press("/");
    await keyboard.isAt(page.locator("[data-rail-filter]"));
    await keyboard.types("activ");
    await keyboard.goesTo(page.getByRole("navigation", { name: "Tables" }).getByRole("link", { name: "Activities" }));
    await keyboard.press("Enter");
    await expect(page).toHaveURL(/\/records\/activities$/);
    await person.isHydrated();
    await keyboard.press("/");
    await keyboard.isAt(page.locator("[data-search]"));
    await keyboard.types("conveyor");
    await keyboard.press("Enter");
    await expect(page).toHaveURL(/q=conveyor/);
    await person.isHydrated();
    await keyboard.goesTo(page.locator(".row-link"));
    await keyboard.press("Enter");
    await expect(form.itself).toBeVisible();
    await person.isHydrated();

    // Past header and rail.
    await keyboard.press("Tab");
    await keyboard.isAt(page.getByRole("link", { name: "Skip to content" }));
    await keyboard.press("Enter");
    await keyboard.goesTo(form.field("title"));
    await keyboard.press("ControlOrMeta+a");
    await keyboard.types("Replace both belts of conveyor 4");
    await form.isKeptOnTheServer();

    // The connection goes; typing goes on, the message can be closed, and trying again can be asked for.
    await inkfast.way.set({ kind: "cut" });
    await person.isConnected(/offline/);
    await keyboard.isAt(form.field("title"));
    await keyboard.types(", today");
    await form.isKeptOnThisDevice();
    const lost = page.locator('[data-toast="lost"]');
    await keyboard.goesTo(lost.getByRole("button", { name: "Close" }));
    await keyboard.press("Enter");
    await expect(lost).toHaveCount(0);
    await keyboard.goesTo(person.connection.getByRole("button", { name: "Retry now" }), "Shift+Tab");
    await keyboard.press("Enter");
    await inkfast.way.set({ kind: "pass" });
    await person.isConnected(/online/);

    // Leaves the page, and comes back to the text.
    await keyboard.goesTo(page.locator(".crumbs").getByRole("link", { name: "Activities" }));
    await keyboard.press("Enter");
    await expect(page).toHaveURL(/\/records\/activities$/);
    await person.isHydrated();
    await keyboard.goesTo(page.locator("tr").filter({ hasText: "conveyor 4" }).locator(".row-link"));
    await keyboard.press("Enter");
    await form.holds("title", "Replace both belts of conveyor 4, today");
    await person.isHydrated();
    await keyboard.goesTo(form.itself.getByRole("button", { name: "Undo", exact: true }));
    await keyboard.press("Enter");
    await form.holds("title", "Replace the belt of conveyor 4");
    await keyboard.goesTo(form.itself.getByRole("button", { name: "Put it into the form" }));
    await keyboard.press("Enter");
    await form.holds("title", "Replace both belts of conveyor 4, today");

    // Somebody else was quicker.
    await database.execute("UPDATE activities SET title = 'Replace the belt and the roller of conveyor 4' WHERE id = 1");
    await keyboard.press("ControlOrMeta+s");
    await form.is("conflict");
    const choice = form.conflicts.locator('[data-conflict="title"]');
    await keyboard.isAt(choice.getByRole("radio").first());
    await keyboard.press("ArrowDown");
    await form.holds("title", "Replace the belt and the roller of conveyor 4");
    await keyboard.isAt(choice.getByRole("radio", { name: /^Theirs/ }));
    await keyboard.press("ArrowUp");
    await form.holds("title", "Replace both belts of conveyor 4, today");
    await keyboard.goesTo(choice.getByRole("button", { name: "Edit on" }));
    await keyboard.press("Enter");
    await keyboard.isAt(form.field("title"));
    await keyboard.press("End");
    await keyboard.types(" and the roller");
    await keyboard.goesTo(form.saveButton);
    await keyboard.press("Enter");
    await form.is("saved");
    await form.saysAllIsSaved();

    const saved = { title: "Replace both belts of conveyor 4, today and the roller" };
    expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual(saved);
    expect(await database.audited("update", "activities")).toBe(1);
    expect(inkfast.log).not.toContain("panicked");
  });
});

test("a draft that another device has left, once the record was changed: compared and taken field by field, by keyboard", async ({ person, browser, contextOptions, baseURL, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Replace both belts");
  await form.type("notes", "Mine");
  await form.isKeptOnTheServer();
  await database.execute("UPDATE activities SET title = 'Replace the belt and the roller' WHERE id = 1");

  const there = new Person(await (await browser.newContext({ ...contextOptions, baseURL: baseURL! })).newPage());
  await there.signsIn();
  const shown = await there.opens("activities/1");
  const keyboard = new Keyboard(there.page);
  await shown.is("clean");
  await keyboard.goesTo(shown.itself.locator(".beside-draft > summary"));
  await keyboard.press("Enter");
  const title = shown.itself.locator('[data-beside-column="title"]');
  await expect(title.locator("mark").first()).toBeVisible();
  await keyboard.goesTo(title.getByText("Before both changes"));
  await keyboard.press("Enter");
  await expect(title).toContainText("Replace the belt of conveyor 4");
  await keyboard.goesTo(shown.itself.getByRole("link", { name: "Restore this field: Notes" }));
  await keyboard.press("Enter");
  await shown.holds("notes", "Mine");
  await shown.holds("title", "Replace the belt and the roller");
  await there.isHydrated();
  await keyboard.press("ControlOrMeta+s");
  await shown.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Replace the belt and the roller", notes: "Mine" });
  await there.page.context().close();
});

test("the keys: ? lists them and gives the focus back, and the single ones can be switched off", async ({ person }) => {
  const keyboard = new Keyboard(person.page);
  const form = await person.opens("activities/1");
  const keys = person.page.getByRole("dialog", { name: "Keys" });
  const history = person.page.getByRole("link", { name: "History" });
  await keyboard.goesTo(history);
  await keyboard.press("?");
  await expect(keys).toContainText("Save");
  await keyboard.press("Escape");
  await expect(keys).toBeHidden();
  await keyboard.isAt(history);

  // In a field they are text.
  await keyboard.goesTo(form.field("title"));
  await keyboard.press("End", "?", "/");
  await form.holds("title", "Replace the belt of conveyor 4?/");
  await expect(keys).toBeHidden();

  // By its button, too.
  await keyboard.goesTo(person.page.getByRole("button", { name: /^Keys/ }), "Shift+Tab");
  await keyboard.press("Enter");
  await keyboard.goesTo(keys.getByRole("checkbox"));
  await keyboard.press("Space", "Escape");
  await person.reloads();
  await keyboard.goesTo(history);
  await keyboard.press("?");
  await expect(keys).toBeHidden();
  await keyboard.press("/");
  await keyboard.isAt(history);
  // What takes more than one key goes on.
  await keyboard.goesTo(form.field("notes"));
  await keyboard.press("ControlOrMeta+a");
  await keyboard.types("Saved by keys");
  await keyboard.press("ControlOrMeta+s");
  await form.is("saved");
  await keyboard.goesTo(person.page.getByRole("button", { name: /^Keys/ }), "Shift+Tab");
  await keyboard.press("Enter");
  await expect(keys.getByRole("checkbox")).not.toBeChecked();
  await keyboard.goesTo(keys.getByRole("checkbox"));
  await keyboard.press("Space", "Escape", "?");
  await expect(keys).toBeVisible();
});
