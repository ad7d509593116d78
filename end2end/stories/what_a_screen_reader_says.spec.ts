// What is read out: by itself on transitions only, and in full when somebody looks.
import { countsDown, listensIn, saidSince, ticks } from "../fixtures/listening.ts";
import { expect, test } from "../fixtures/story.ts";

test("nothing is said while nothing happens", async ({ person }) => {
  await listensIn(person.page);
  await person.opens("activities/1");
  await person.isConnected(/online/);
  await ticks(person.page, 1);
  await saidSince(person.page);
  await ticks(person.page, 10);
  expect(await saidSince(person.page)).toEqual([]);
});

test("typing and keeping is not read out; that it was saved is, once", async ({ person }) => {
  await listensIn(person.page);
  const form = await person.opens("activities/1");
  await person.isConnected(/online/);
  await saidSince(person.page);
  await form.type("title", "Typed at length");
  await form.isKeptOnTheServer();
  await form.type("notes", "And on");
  await form.isKeptOnTheServer();
  expect(await saidSince(person.page)).toEqual([]);
  await form.save();
  await form.is("saved");
  await expect.poll(() => saidSince(person.page)).toEqual([{ how: "polite", words: "All changes saved" }]);
});

test("an outage is said once, its seconds and tries are not, and its end is said once", async ({ person, database }) => {
  test.setTimeout(120_000);
  await listensIn(person.page);
  const form = await person.opens("activities/1");
  await form.type("title", "Typed before");
  await form.isKeptOnTheServer();
  await person.isConnected(/online/);
  await saidSince(person.page);
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await person.isConnected(/degraded/);
  await countsDown(person.page, 1);
  const begun = await saidSince(person.page);
  expect(begun.every(({ how }) => how === "polite"), JSON.stringify(begun)).toBe(true);
  expect(begun.some(({ words }) => words.includes("Database unreachable")), JSON.stringify(begun)).toBe(true);
  expect(begun.some(({ words }) => words.includes("Queued: will be saved when the database is back")), JSON.stringify(begun)).toBe(true);

  await countsDown(person.page, 10);
  expect(await saidSince(person.page)).toEqual([]);

  await database.way.set({ kind: "pass" });
  await form.is("saved");
  await person.isConnected(/online/);
  await ticks(person.page, 3);
  const ended = await saidSince(person.page);
  for (const news of ["The database is back", "Saved what was queued"]) {
    expect(ended.filter(({ words }) => words.includes(news)).length, JSON.stringify(ended)).toBe(1);
  }
  expect(ended.every(({ how }) => how === "polite"), JSON.stringify(ended)).toBe(true);
});

test.describe("with a way that breaks", () => {
  test.use({ behindAWay: true });
  test("only what went wrong interrupts: the connection is lost, a conflict", async ({ person, inkfast, database }) => {
    test.setTimeout(120_000);
    await listensIn(person.page);
    const form = await person.opens("activities/1");
    await person.isConnected(/online/);
    await saidSince(person.page);
    await inkfast.way.set({ kind: "cut" });
    await person.isConnected(/offline/);
    await expect(person.toast(/Connection lost/)).toBeVisible();
    const lost = await saidSince(person.page);
    const interrupting = lost.filter(({ how }) => how === "assertive");
    expect(interrupting.length, JSON.stringify(lost)).toBe(1);
    expect(interrupting[0]!.words).toContain("Connection lost");
    await countsDown(person.page, 5);
    expect((await saidSince(person.page)).filter(({ how }) => how === "assertive")).toEqual([]);
    await inkfast.way.set({ kind: "pass" });
    await person.isConnected(/online/);

    await database.execute("UPDATE activities SET title = 'Theirs' WHERE id = 1");
    await form.type("title", "Mine");
    await form.save();
    await form.is("conflict");
    const met = (await saidSince(person.page)).filter(({ how }) => how === "assertive");
    expect(met.length, JSON.stringify(met)).toBe(1);
    expect(met[0]!.words).toContain("Somebody else changed the same field");
  });
});
