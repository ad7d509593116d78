import { expect, test } from "../fixtures/story.ts";
import type { Person } from "../fixtures/person.ts";

test.use({ behindAWay: true });

// A browser repeats a request by itself when a kept connection is reset under it; more cuts than that reach the page.
const cuts = 3;

/** Whoever hears the server's events learns from them that it was saved, and does not send it again. */
const hearsNoEvents = (person: Person) => person.page.route("**/events?*", (route) => route.abort());

test("the answer to Save is lost: no second effect, and the page says saved", async ({ person, inkfast, database }) => {
  await hearsNoEvents(person);
  const form = await person.opens("activities/1");
  await form.type("title", "Saved, but unheard");
  await inkfast.way.set({ kind: "cut_answer_to", pattern: "POST /records/", times: cuts });
  await form.save();
  await form.is("saved");
  await form.saysAllIsSaved();

  expect(await inkfast.way.struck()).toBe(cuts);
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Saved, but unheard" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("no answer ever comes, but the events do: the page learns that it was saved", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Saved, as the events say");
  await inkfast.way.set({ kind: "cut_answer_to", pattern: "POST /records/", times: 1_000 });
  await form.save();
  await form.is("saved");

  expect(await inkfast.way.struck()).toBeGreaterThan(0);
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Saved, as the events say" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("the server is killed after the commit, and nobody has heard its answer: saved once", async ({ person, inkfast, database }) => {
  test.slow();
  await hearsNoEvents(person);
  const form = await person.opens("activities/1");
  await form.type("title", "Committed, then killed");
  await inkfast.way.set({ kind: "cut_answer_to", pattern: "POST /records/", times: 1_000 });
  await form.save();
  await form.is("queued");
  await expect.poll(() => database.audited("update", "activities")).toBe(1);
  await inkfast.kill();
  await inkfast.way.set({ kind: "pass" });
  await person.isConnected(/reconnecting|offline/);

  await inkfast.startAgain();
  await form.is("saved");
  await form.saysAllIsSaved();
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Committed, then killed" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test.describe("with Redis", () => {
  test.use({ withRedis: true });

  test("Redis forgets everything between the commit and the next try: saved once", async ({ person, inkfast, database, redis }) => {
    await hearsNoEvents(person);
    const form = await person.opens("activities/1");
    await form.type("title", "Remembered by the database");
    await form.isKeptOnTheServer();
    await inkfast.way.set({ kind: "cut_answer_to", pattern: "POST /records/", times: 1_000 });
    await form.save();
    await form.is("queued");
    await expect.poll(() => database.audited("update", "activities")).toBe(1);
    await redis.flush();
    expect(await redis.accountsWithDrafts()).toBe(0);

    await inkfast.way.set({ kind: "pass" });
    await form.is("saved", { timeout: 40_000 });
    await form.saysAllIsSaved();
    expect(await database.rows("SELECT id FROM activities WHERE title = 'Remembered by the database'")).toEqual([{ id: 1 }]);
    expect(await database.audited("update", "activities")).toBe(1);
  });
});

test("the answer to a create is lost: one row, and the page is that record's", async ({ person, inkfast, database }) => {
  await hearsNoEvents(person);
  const form = await person.opens("activities/new");
  await form.type("title", "Made once");
  await inkfast.way.set({ kind: "cut_answer_to", pattern: "POST /records/", times: cuts });
  await form.save();
  await form.is("saved");

  expect(await inkfast.way.struck()).toBe(cuts);
  const made = await database.row<{ id: number }>("SELECT id FROM activities WHERE title = 'Made once'");
  await expect(person.page).toHaveURL(new RegExp(`/records/activities/${made.id}$`));
  expect(await database.audited("create", "activities")).toBe(1);

  await form.type("title", "Made once, then changed");
  await form.save();
  await form.is("saved");
  expect(await database.rows("SELECT id FROM activities WHERE title LIKE 'Made once%'")).toEqual([{ id: made.id }]);
});

test("Back to the form of a record just made does not make it again", async ({ person, database }) => {
  const form = await person.opens("activities/new");
  const address = person.page.url();
  await form.type("title", "Made before Back");
  await form.save();
  await form.is("saved");
  await person.page.goto(address);
  await expect(person.page).toHaveURL(/\/records\/activities\/\d+$/);
  expect(await database.rows("SELECT id FROM activities WHERE title = 'Made before Back'")).toHaveLength(1);
});
