import { proxysPage } from "../fixtures/network.ts";
import { expect, test } from "../fixtures/story.ts";
import { pressesOf, wouldBeAsked } from "../fixtures/watching.ts";

test.use({ behindAWay: true });

const title = "SELECT title FROM activities WHERE id = 1";

test("a proxy's 503 page is no answer: the text stays, Save can be pressed, and it is sent again by itself", async ({ person, inkfast, database }) => {
  test.slow();
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  // Presses of Save and drafts alike.
  await inkfast.way.set({ kind: "answer_instead", pattern: "POST /", answer: proxysPage("503 Service Unavailable"), times: 1_000 });
  await form.type("title", "Typed before a proxy");
  await form.save();
  await form.is("queued");
  await form.holds("title", "Typed before a proxy");
  await expect(form.words).toHaveText(/^Queued: will be saved when the server can be reached/);
  await expect(form.saveButton).toBeEnabled();
  await expect.poll(() => presses.length, { timeout: 30_000 }).toBeGreaterThan(1);

  await form.type("notes", "Typed since");
  await expect(form.words).toHaveText(/Newer text: Unsaved changes, kept on this device$/);
  expect(await database.row(title)).toEqual({ title: "Replace the belt of conveyor 4" });

  await inkfast.way.set({ kind: "pass" });
  await form.is("dirty", { timeout: 40_000 });
  await form.holds("notes", "Typed since");
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Typed before a proxy", notes: "Typed since" });
  expect(await database.audited("update", "activities")).toBe(2);
  expect(new Set(presses.map(({ id }) => id)).size).toBe(2);
});

test("a proxy's 503 page, and a device that keeps nothing: leaving asks until it is saved", async ({ person, inkfast, database }) => {
  await person.page.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException("forbidden", "SecurityError");
    };
    IDBFactory.prototype.open = () => {
      throw new DOMException("forbidden", "SecurityError");
    };
  });
  const form = await person.opens("activities/1");
  await inkfast.way.set({ kind: "answer_instead", pattern: "POST /", answer: proxysPage("503 Service Unavailable"), times: 1_000 });
  await form.type("title", "In this page only");
  await form.save();
  await form.is("queued");
  await expect(form.words).toHaveText(/Not protected on this device: keep this page open until it is saved/);
  expect(await wouldBeAsked(person.page)).toBe(true);

  await inkfast.way.set({ kind: "pass" });
  await form.saysAllIsSaved();
  expect(await wouldBeAsked(person.page)).toBe(false);
  expect(await database.row(title)).toEqual({ title: "In this page only" });
});

test("a proxy's 429 with Retry-After: it waits that long, keeps the text, and is saved once", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  const answer = proxysPage("429 Too Many Requests", { "retry-after": "4" });
  await inkfast.way.set({ kind: "answer_instead", pattern: "POST /records/", answer });
  await form.type("title", "One of many");
  await form.save();
  await form.is("queued");
  await expect(form.words).toHaveText(/^Queued: will be saved when the server takes more requests/);
  await form.holds("title", "One of many");
  await form.is("saved");
  expect(presses).toHaveLength(2);
  expect(presses[1]!.at - presses[0]!.at).toBeGreaterThanOrEqual(4_000);
  expect(presses[1]!.id).toBe(presses[0]!.id);
  expect(await database.row(title)).toEqual({ title: "One of many" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("a proxy's 429 that asks for a day: who presses Save again does not wait for it", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  const answer = proxysPage("429 Too Many Requests", { "retry-after": "86400" });
  await inkfast.way.set({ kind: "answer_instead", pattern: "POST /records/", answer });
  await form.type("title", "Not in a day");
  await form.save();
  await form.is("queued");
  await form.save();
  await form.is("saved");
  expect(presses.map(({ id }) => id)).toEqual([presses[0]!.id, presses[0]!.id]);
  expect(await database.row(title)).toEqual({ title: "Not in a day" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("a proxy's 413: it says that the text is too large, keeps it, and does not try again", async ({ person, inkfast, database }) => {
  await person.page.clock.install();
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  await inkfast.way.set({ kind: "answer_instead", pattern: "POST /records/", answer: proxysPage("413 Request Entity Too Large"), times: 1_000 });
  await form.type("title", "Too much for a proxy");
  await form.save();
  await expect(form.itself.locator('[data-banner="message"]')).toContainText("too large to be saved");
  await form.is("dirty");
  await person.page.clock.fastForward("05:00");
  await form.isKeptOnThisDevice();
  expect(presses).toHaveLength(1);

  await inkfast.way.set({ kind: "pass" });
  await person.reloads();
  await form.holds("title", "Too much for a proxy");
  await form.save();
  await form.is("saved");
  expect(await database.audited("update", "activities")).toBe(1);
});
