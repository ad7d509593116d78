import { setTimeout as pause } from "node:timers/promises";
import { losesItsDrafts, textOnDevice } from "../fixtures/device.ts";
import { expect, test } from "../fixtures/story.ts";

test("the server is killed while typing and started again: saved once, by itself", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Typed before ");
  await inkfast.kill();
  await form.field("title").pressSequentially("and after");
  await person.isConnected(/reconnecting|offline/);
  await form.save();
  await form.is("queued");
  await expect(form.words).toHaveText(/Queued/);
  await form.holds("title", "Typed before and after");

  await inkfast.startAgain();
  await form.is("saved");
  await person.isConnected(/online/);
  await form.saysAllIsSaved();
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Typed before and after" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("a save waiting for the server survives a reload of the page it was made on", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Waiting");
  await inkfast.kill();
  await form.save();
  await form.is("queued");
  await inkfast.startAgain();
  await person.reloads();
  await expect.poll(() => database.audited("update", "activities")).toBe(1);
  await form.saysAllIsSaved();
  await form.holds("title", "Waiting");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Waiting" });
});

test("a waiting save that is delivered while the page loads again is not undone by the next one", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  const address = person.page.url();
  let delivered = false;
  await person.page.route(address, async (route) => {
    if (route.request().method() === "POST") return delivered ? route.continue() : route.abort();
    // The page as it was drawn before the save arrives after it.
    const drawnBefore = await route.fetch();
    delivered = true;
    await expect.poll(() => database.audited("update", "activities"), { timeout: 20_000 }).toBe(1);
    await route.fulfill({ response: drawnBefore });
  });
  await form.type("title", "Delivered meanwhile");
  await form.save();
  await form.is("queued");

  await person.page.reload({ timeout: 30_000 });
  await person.isHydrated();
  // It was drawn before the save, and shows what was saved all the same.
  await form.holds("title", "Delivered meanwhile");
  await form.saysAllIsSaved();
  await form.type("notes", "And one more change");
  await form.save();
  await form.is("saved");
  await form.holds("title", "Delivered meanwhile");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Delivered meanwhile", notes: "And one more change" });
});

test("a waiting save whose draft is gone is shown by the next page, and nothing undoes it", async ({ person, database }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/1");
  let mayPass = false;
  await person.page.route(person.page.url(), (route) =>
    route.request().method() === "POST" && !mayPass ? route.abort() : route.continue(),
  );
  await form.type("title", "Pressed, and no draft");
  await form.save();
  await form.is("queued");
  await losesItsDrafts(person.page);
  expect(await textOnDevice(person.page)).toContain("Pressed, and no draft");
  await person.reloads();
  await form.holds("title", "Pressed, and no draft");
  mayPass = true;
  await form.saysAllIsSaved();
  await form.holds("title", "Pressed, and no draft");
  await form.type("notes", "And one more change");
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Pressed, and no draft", notes: "And one more change" });
  await expect.poll(() => textOnDevice(person.page)).toBe("");
});

test("being signed in survives a restart of the server", async ({ person, inkfast }) => {
  await inkfast.kill();
  await inkfast.startAgain();
  const form = await person.opens("activities/1");
  await form.is("clean");
});

for (const [how, away] of [
  ["a tenth of a second", 100],
  ["twenty seconds", 20_000],
] as const) {
  test(`the server is away for ${how}: the page goes on by itself, and what was pressed meanwhile is saved once`, async ({
    person,
    inkfast,
    database,
  }) => {
    test.slow();
    const form = await person.opens("activities/1");
    await form.type("title", "Typed before");
    await form.isKeptOnTheServer();
    await inkfast.kill();
    const back = pause(away).then(() => inkfast.startAgain());
    await form.type("title", "Pressed meanwhile");
    await form.save();
    await back;
    await form.is("saved");
    await person.isConnected(/online/);
    expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Pressed meanwhile" });
    expect(await database.audited("update", "activities")).toBe(1);
    await form.type("notes", "Typed afterwards");
    await form.isKeptOnTheServer();
    await person.reloads();
    await form.holds("title", "Pressed meanwhile");
    await form.holds("notes", "Typed afterwards");
  });
}
