import { expect, test } from "../fixtures/story.ts";

test("the database is cut during Save: queued, and saved by itself when it is back", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Saved in the end");
  await database.way.set({ kind: "cut" });
  await form.save();

  await form.is("queued");
  await expect(form.words).toHaveText(/Queued/);
  await expect(person.toast(/queued|will be saved/i)).toBeVisible();
  await person.isConnected(/degraded/);
  await form.holds("title", "Saved in the end");

  await database.way.set({ kind: "pass" });
  await form.is("saved");
  await form.saysAllIsSaved();
  await person.isConnected(/online/);
  const changed = await database.rows("SELECT id FROM activities WHERE title = 'Saved in the end'");
  expect(changed).toEqual([{ id: 1 }]);
  expect(await database.audited("update", "activities")).toBe(1);
});

test("the commit's answer is lost between server and database: saved once", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Committed unheard");
  await database.way.set({ kind: "cut_after_forwarding", pattern: "COMMIT" });
  await form.save();
  await form.is("saved");
  expect(await database.way.struck()).toBe(1);
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Committed unheard" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("typing goes on while a save waits, and the newer text stays", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "First press");
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await form.type("notes", "Typed while waiting");
  await form.is("queued");

  await database.way.set({ kind: "pass" });
  await expect.poll(() => database.audited("update", "activities")).toBe(1);
  await form.is("dirty");
  await form.holds("notes", "Typed while waiting");
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "First press", notes: "Typed while waiting" });
});

test("a form opened while the database is away shows the draft and saves it later", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Kept on the server");
  await form.isKeptOnTheServer();
  await database.way.set({ kind: "cut" });

  const answer = await person.page.reload();
  expect(answer?.status()).toBe(503);
  expect(answer?.headers()["retry-after"]).toBeDefined();
  await person.isHydrated();
  await form.holds("title", "Kept on the server");

  await form.save();
  await form.is("queued");
  await database.way.set({ kind: "pass" });
  // The page then fetches the record it could not show.
  await form.saysAllIsSaved();
  await form.holds("title", "Kept on the server");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Kept on the server" });
});
