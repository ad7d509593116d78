import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

test("text kept only on this device is there after a reload; Undo shows the record and loses nothing", async ({ person }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.isKeptOnThisDevice();

  await person.reloads();
  await form.holds("title", "Inspect every valve");
  await form.is("dirty");
  await expect(person.toast(/restored/i)).toBeVisible();

  await form.itself.getByRole("button", { name: "Undo", exact: true }).click();
  await form.holds("title", "Inspect the pressure valve");
  await form.is("clean");
  await form.itself.getByRole("button", { name: "Put it into the form" }).click();
  await form.holds("title", "Inspect every valve");
});

test("a draft brings back what was typed, and never what the form hides", async ({ person, database }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.isKeptOnThisDevice();
  const hidden = () =>
    form.itself.evaluate((element: HTMLFormElement) => {
      const named = ["_id", "_version", "_account"].map((name) => element.querySelector<HTMLInputElement>(`[name="${name}"]`)!);
      return named.map(({ name, value, defaultValue }) => ({ name, value, drawn: defaultValue }));
    });
  const before = await hidden();
  // As if an earlier page, or somebody else, had kept more than it should.
  await person.page.evaluate(async () => {
    const tamper = (json: string) => {
      const entry = JSON.parse(json);
      const names = ["_id", "_version", "_account", "_seq", "_writer", "csrf_token", "b.title", "v.notes"];
      for (const name of names) entry.draft.values[name] = "from the draft";
      return JSON.stringify(entry);
    };
    const key = Object.keys(localStorage).find((name) => name.startsWith("inkfast:1:draft:"))!;
    const text = tamper(localStorage.getItem(key)!);
    localStorage.setItem(key, text);
    const opened = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open("inkfast");
      opening.onsuccess = () => resolve(opening.result);
    });
    const written = opened.transaction("entries", "readwrite");
    written.objectStore("entries").put(text, key);
    await new Promise((resolve) => (written.oncomplete = resolve));
    opened.close();
  });

  await person.reloads();
  await form.holds("title", "Inspect every valve");
  const after = await hidden();
  for (const { value, drawn } of after) expect(value).toBe(drawn);
  // An id and a version are the page's own; the account is the same.
  expect(after.map(({ value }) => value)).not.toContain("from the draft");
  expect(after[0]!.value).not.toBe(before[0]!.value);
  await form.holds("notes", "The gauge reads 0.3 bar too much.");
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 2");
  expect(row).toEqual({ title: "Inspect every valve", notes: "The gauge reads 0.3 bar too much." });
});

test("what was restored can be compared with the record and given back field by field", async ({ person }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.type("notes", "Twice");
  await form.isKeptOnThisDevice();
  await person.reloads();
  const banner = form.itself.locator("[data-restored-notice]");
  await expect(banner).toContainText(/Typed on this device, .*\d/);
  await banner.getByText("Compare").click();
  const title = banner.locator('[data-conflict="title"]');
  await expect(title.locator('[data-side="theirs"] mark')).toHaveText(["the pressure"]);
  await title.getByRole("radio", { name: /^In the record/ }).check();
  await form.holds("title", "Inspect the pressure valve");
  await form.holds("notes", "Twice");
  await title.getByRole("radio", { name: /^Restored/ }).check();
  await form.holds("title", "Inspect every valve");
});

test("text kept only on this device is gone for good after Discard", async ({ person }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.isKeptOnThisDevice();

  await person.reloads();
  await form.itself.getByRole("button", { name: "Discard", exact: true }).click();
  await form.holds("title", "Inspect the pressure valve");
  await form.is("clean");
  await person.reloads();
  await form.is("clean");
  await form.holds("title", "Inspect the pressure valve");
});

test("text kept on the server is gone for good after Discard", async ({ person }) => {
  const form = await person.opens("activities/2");
  await form.type("title", "Inspect every valve");
  await form.isKeptOnTheServer();
  await person.reloads();
  await form.holds("title", "Inspect every valve");

  await form.itself.getByRole("button", { name: "Discard", exact: true }).click();
  await form.holds("title", "Inspect the pressure valve");
  await form.is("clean");
  await person.reloads();
  await form.holds("title", "Inspect the pressure valve");
  await form.is("clean");
});

test("text kept on the server is there on another device", async ({ person, browser, contextOptions, baseURL }) => {
  const form = await person.opens("activities/2");
  await form.type("notes", "Written at the desk");
  await form.isKeptOnTheServer();

  const elsewhere = await browser.newContext({ ...contextOptions, baseURL });
  const sameAccount = new Person(await elsewhere.newPage());
  await sameAccount.signsIn();
  const there = await sameAccount.opens("activities/2");
  await there.holds("notes", "Written at the desk");
  await there.is("dirty");
  await there.save();
  await there.is("saved");
  await elsewhere.close();
});

test("a draft that was saved does not come back", async ({ person }) => {
  const form = await person.opens("activities/2");
  await form.type("title", "Saved for good");
  await form.isKeptOnTheServer();
  await form.save();
  await form.is("saved");
  await person.reloads();
  await form.is("clean");
  await form.holds("title", "Saved for good");
});

test("text typed in a form for a new record is there after a reload", async ({ person, database }) => {
  const form = await person.opens("activities/new");
  await form.type("title", "Not there yet");
  await form.isKeptOnThisDevice();
  await person.reloads();
  await form.holds("title", "Not there yet");
  await form.save();
  await form.is("saved");
  expect(await database.rows("SELECT id FROM activities WHERE title = 'Not there yet'")).toHaveLength(1);
});

test("somebody else on the same browser neither sees nor deletes the text", async ({ person, inkfast }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/3");
  await form.type("title", "Mine alone");
  await form.isKeptOnThisDevice();

  await inkfast.addAccount("jonas", "a password of his own", "superuser");
  await person.page.context().clearCookies();
  await person.signsIn("jonas", "a password of his own");
  await person.opens("activities/3");
  await form.holds("title", "Grease the bearings of the mixer");
  await form.is("clean");

  await person.page.context().clearCookies();
  await person.signsIn();
  await person.opens("activities/3");
  await form.holds("title", "Mine alone");
});

test("compared while typing goes on: there is a way back to what was typed", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Restored");
  await form.isKeptOnThisDevice();
  await person.reloads();
  await form.holds("title", "Restored");
  await form.itself.locator("[data-compare] summary").click();
  const row = form.itself.locator('[data-compare] [data-conflict="title"]');
  await form.type("title", "Typed on for minutes");
  await row.getByRole("radio").nth(1).check();
  await form.holds("title", "Replace the belt of conveyor 4");
  await row.getByRole("radio").nth(0).check();
  await form.holds("title", "Typed on for minutes");
  await expect(row.locator("[data-side=mine]")).toContainText("Typed on for minutes");
});

test("two tabs with forms for new records: each has its own text after a reload, and makes its own record", async ({ person, database }) => {
  const other = new Person(await person.page.context().newPage());
  const one = await person.opens("activities/new");
  const two = await other.opens("activities/new");
  await one.type("title", "The first of two");
  await two.type("title", "The second of two");
  await one.isKeptOnTheServer();
  await two.isKeptOnTheServer();
  for (const [place, form, title] of [
    [person, one, "The first of two"],
    [other, two, "The second of two"],
  ] as const) {
    await place.reloads();
    await form.holds("title", title);
    await expect(form.itself.locator("[data-beside]")).toHaveCount(0);
  }
  await one.save();
  await one.is("saved");
  // What was saved took nothing along of the other.
  await other.reloads();
  await two.holds("title", "The second of two");
  await two.save();
  await two.is("saved");
  const made = await database.rows("SELECT title FROM activities WHERE title LIKE 'The % of two' ORDER BY id");
  expect(made).toEqual([{ title: "The first of two" }, { title: "The second of two" }]);
});
