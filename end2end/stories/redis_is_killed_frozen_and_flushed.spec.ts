import type { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

test.use({ withRedis: true });

/** Where the server says that unsaved work goes. */
async function draftsAreKeptIn(person: Person, place: "redis" | "spill"): Promise<void> {
  const health = async () => (await (await person.page.request.get("/health")).json()).drafts_kept_in;
  await expect.poll(health).toBe(place);
}

/** The record is listed under Unsaved work so many times. */
async function isListed(person: Person, times: number): Promise<void> {
  const page = await (await person.page.request.get("/drafts")).text();
  expect(page.split('href="/records/activities/1"').length - 1).toBe(times);
}

for (const trouble of ["killed", "frozen"] as const) {
  test(`Redis is ${trouble} while typing: the page says where the text is, and it is one draft and one save afterwards`, async ({
    person,
    database,
    redis,
  }) => {
    await draftsAreKeptIn(person, "redis");
    const form = await person.opens("activities/1");
    await form.type("title", "Typed before");
    await form.isKeptOnTheServer();
    await expect.poll(() => redis.accountsWithDrafts()).toBe(1);

    await (trouble === "killed" ? redis.kill() : redis.freeze());
    await form.type("title", "Typed while it was away");
    await form.isKeptOnTheServer();
    await draftsAreKeptIn(person, "spill");
    await person.reloads();
    await form.holds("title", "Typed while it was away");
    await isListed(person, 1);

    await (trouble === "killed" ? redis.startAgain() : redis.thaw());
    await draftsAreKeptIn(person, "redis");
    await form.type("notes", "Typed when it was back");
    await form.isKeptOnTheServer();
    await person.reloads();
    await form.holds("title", "Typed while it was away");
    await form.holds("notes", "Typed when it was back");
    await isListed(person, 1);

    await form.save();
    await form.saysAllIsSaved();
    const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
    expect(row).toEqual({ title: "Typed while it was away", notes: "Typed when it was back" });
    expect(await database.audited("update", "activities")).toBe(1);
    await isListed(person, 0);
    await expect.poll(() => redis.accountsWithDrafts()).toBe(0);
  });
}

test("Redis is flushed while typing: the page brings its text back by itself", async ({ person, redis }) => {
  await draftsAreKeptIn(person, "redis");
  const form = await person.opens("activities/1");
  await form.type("title", "Typed before");
  await form.isKeptOnTheServer();
  await redis.flush();
  await isListed(person, 0);

  await form.type("title", "Typed afterwards");
  await form.isKeptOnTheServer();
  await expect.poll(() => redis.accountsWithDrafts()).toBe(1);
  await isListed(person, 1);
  await person.reloads();
  await form.holds("title", "Typed afterwards");
});

test("Redis is away from the start: pages load, being signed in lasts, the status says where drafts go, and they move over once", async ({
  person,
  inkfast,
  database,
  redis,
}) => {
  await inkfast.kill();
  await redis.kill();
  await inkfast.startAgain();
  const form = await person.opens("activities/1");
  await person.isConnected(/degraded/);
  await expect(person.connection).toContainText("Drafts are kept in the server’s own store");
  await form.type("title", "Typed without Redis");
  await form.isKeptOnTheServer();
  await person.page.context().clearCookies();
  await person.signsIn();
  await person.opens("activities/1");
  await form.holds("title", "Typed without Redis");

  await redis.startAgain();
  await person.isConnected(/online/);
  await draftsAreKeptIn(person, "redis");
  await expect.poll(() => redis.accountsWithDrafts()).toBe(1);
  await isListed(person, 1);
  await person.reloads();
  await form.holds("title", "Typed without Redis");
  await form.save();
  await form.saysAllIsSaved();
  expect(await database.audited("update", "activities")).toBe(1);
  await isListed(person, 0);
});
