// The page is loaded again, or another one is opened, while the server cannot be reached.
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { copyNotice, isKept, keptText, standIn } from "../fixtures/offline.ts";
import { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { rules } from "../fixtures/worker_rules.ts";
import { expect, test } from "../fixtures/story.ts";

test.use({ serviceWorkers: "allow" });

test("a form reloaded without the server has the text that was typed, takes more, and is saved once when it is back", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await form.type("title", "Typed before ");
  await form.isKeptOnThisDevice();
  await inkfast.kill();
  await person.reloads();
  await expect(copyNotice(person.page)).toContainText(/Saved copy from \d\d:\d\d/);
  await form.holds("title", "Typed before ");
  await form.is("dirty");
  await person.isConnected(/offline|reconnecting/);

  await form.field("title").press("End");
  await form.field("title").pressSequentially("and after");
  await form.isKeptOnThisDevice();
  await person.reloads();
  await form.holds("title", "Typed before and after");
  await form.save();
  await form.is("queued");

  await inkfast.startAgain();
  await form.is("saved");
  await form.saysAllIsSaved();
  await person.isConnected(/online/);
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Typed before and after" });
  expect(await database.audited("update", "activities")).toBe(1);
  // The copy is still there to be read, and says how to get the page as it is now.
  await person.page.getByRole("button", { name: "Load the page anew" }).click();
  await expect(copyNotice(person.page)).toHaveCount(0);
  await form.holds("title", "Typed before and after");
});

test("what was saved last is in the copy, and one goes on from there", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await form.type("title", "Saved with the server");
  await form.save();
  await form.is("saved");
  await expect.poll(() => keptText(person.page)).toContain('value="Saved with the server"');
  await inkfast.kill();
  await person.reloads();
  await expect(copyNotice(person.page)).toBeVisible();
  await form.holds("title", "Saved with the server");
  await form.type("notes", "Saved without");
  await form.save();
  await form.is("queued");
  await inkfast.startAgain();
  await form.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Saved with the server", notes: "Saved without" });
  expect(await database.audited("update", "activities")).toBe(2);
});

test("a save from a copy is held against the record: what somebody changed meanwhile is a conflict", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await inkfast.kill();
  await database.execute("UPDATE activities SET title = 'Theirs' WHERE id = 1");
  await person.reloads();
  await form.type("title", "Mine");
  await form.save();
  await form.is("queued");
  await inkfast.startAgain();
  await form.is("conflict");
  await form.holds("title", "Mine");
  await expect(form.conflicts).toContainText("Theirs");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Theirs" });
});

test("a new record saved from a copy of its form is made once", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/new");
  await isKept(person.page);
  await form.type("title", "Made without the server");
  await form.isKeptOnThisDevice();
  await inkfast.kill();
  await person.reloads();
  await expect(copyNotice(person.page)).toBeVisible();
  await form.holds("title", "Made without the server");
  await form.save();
  await form.is("queued");
  // A second showing has the same record in it.
  await person.reloads();
  await form.is("queued");
  await inkfast.startAgain();
  await expect(person.page).toHaveURL(/\/records\/activities\/\d+/, { timeout: 30_000 });
  expect(await database.rows("SELECT id FROM activities WHERE title = 'Made without the server'")).toHaveLength(1);
  expect(await database.audited("create", "activities")).toBe(1);
});

test("the worker's rules fit the pages that the server draws", async ({ person }) => {
  const drawn = (path: string) => person.page.evaluate(async (path) => (await fetch(path)).text(), path);
  const showing = { at: 1_000, now: 2_000, writer: "f".repeat(32), id: "22222222-2222-4222-8222-222222222222" };
  const shows = (copy: string | undefined) =>
    person.page.evaluate((copy) => {
      const { documentElement: root, forms } = new DOMParser().parseFromString(copy ?? "", "text/html");
      const form = [...forms].find((form) => form.matches("[data-resilient-form]"));
      const value = (name: string) => form?.querySelector<HTMLInputElement>(`[name="${name}"]`)?.value;
      const notice = root.querySelector("main > .notices:first-child [data-copy-words]")?.textContent;
      return { at: root.dataset["savedCopy"], notice, writers: [form?.dataset["writer"], value("_writer")], id: value("_id") };
    }, copy);

  const record = await drawn("/records/activities/1");
  const own = { at: "1000", writers: [showing.writer, showing.writer] };
  expect(await shows(rules.asCopy(record, showing))).toMatchObject({ ...own, id: showing.id, notice: expect.stringContaining("This is the record") });
  const made = await drawn("/records/activities/new?form=11111111-1111-4111-8111-111111111111");
  const { id } = await shows(made);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await shows(rules.asCopy(made, showing))).toMatchObject({ ...own, id });
  const list = await shows(rules.asCopy(await drawn("/records/activities"), showing));
  expect(list).toMatchObject({ at: "1000", notice: expect.stringContaining("This is the page"), writers: [undefined, undefined] });
});

test("two tabs with the same copy do not take each other's text for their own", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await inkfast.kill();
  await person.reloads();
  const other = new Person(await person.page.context().newPage());
  const beside = await other.opens("activities/1");
  await expect(copyNotice(other.page)).toBeVisible();
  const [one, another] = await Promise.all([form, beside].map(({ itself }) => itself.getAttribute("data-writer")));
  expect(one).not.toBe(another);
  await form.type("title", "In the first tab");
  await form.isKeptOnThisDevice();
  await beside.type("notes", "In the second tab");
  await beside.isKeptOnThisDevice();
  await form.save();
  await beside.save();
  await inkfast.startAgain();
  await form.is("saved");
  await beside.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "In the first tab", notes: "In the second tab" });
  expect(await database.audited("update", "activities")).toBe(2);
});

test("a list is shown as it was last seen, and anew by itself when the server is back", async ({ person, inkfast, database }) => {
  await person.page.goto("/records/activities");
  await person.isHydrated();
  await isKept(person.page);
  await inkfast.kill();
  await database.execute("UPDATE activities SET title = 'Changed meanwhile' WHERE id = 1");
  await person.page.reload();
  await expect(copyNotice(person.page)).toContainText(/Saved copy from \d\d:\d\d/);
  await expect(person.page.locator("main")).toContainText("Replace the belt of conveyor 4");
  await inkfast.startAgain();
  await expect(person.page.locator("main")).toContainText("Changed meanwhile", { timeout: 30_000 });
  await expect(copyNotice(person.page)).toHaveCount(0);
});

test("a page never seen says so, leads to what is unsaved, and is there by itself when the server is back", async ({ person, inkfast }) => {
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await form.type("title", "Not saved yet");
  await form.isKeptOnThisDevice();
  await inkfast.kill();
  await person.page.goto("/records/activities/3");
  await expect(standIn(person.page)).toContainText("not on this device");
  const unsaved = person.page.locator('[data-device-draft="activities/1"]');
  await expect(unsaved).toContainText("Typed, not saved");
  await unsaved.getByRole("link").click();
  await person.isHydrated();
  await form.holds("title", "Not saved yet");

  await person.page.goto("/records/activities/3");
  await expect(standIn(person.page)).toBeVisible();
  await inkfast.startAgain();
  await form.holds("title", "Grease the bearings of the mixer");
  await expect(standIn(person.page)).toHaveCount(0);
});

test("a page that stands in does not hold whoever is leaving it when the server is back", async ({ person, inkfast }) => {
  await person.opens("activities/1");
  await isKept(person.page);
  await inkfast.kill();
  await person.page.goto("/records/activities/3");
  await expect(standIn(person.page)).toBeVisible();
  let arrive = () => {};
  const arrival = new Promise<void>((resolve) => (arrive = resolve));
  const slow = createServer((_, answer) => void arrival.then(() => answer.writeHead(200, { "content-type": "text/html" }).end("<h1>Somewhere else</h1>")));
  slow.listen(0, "127.0.0.1");
  await once(slow, "listening");
  const { port } = slow.address() as AddressInfo;
  const isAsked = once(slow, "request");
  await person.page.evaluate((url) => {
    // It asks for itself each time, as if the network came back.
    setInterval(() => dispatchEvent(new Event("online")), 300);
    location.assign(url);
  }, `http://127.0.0.1:${port}/`);
  await isAsked;
  await inkfast.startAgain();
  // To look at it would be to wait until it is left.
  await pause(3_000);
  arrive();
  await expect(person.page.getByRole("heading")).toHaveText("Somewhere else");
  slow.closeAllConnections();
  slow.close();
});

test("a proxy's own 502 is no page", async ({ person, inkfast }) => {
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await form.type("title", "Behind a proxy");
  await form.isKeptOnThisDevice();
  await inkfast.kill();
  const proxy = createServer((_, answer) => answer.writeHead(502, { "content-type": "text/html" }).end("<h1>502 Bad Gateway</h1>"));
  proxy.listen(Number(new URL(inkfast.url).port), "127.0.0.1");
  await once(proxy, "listening");
  await person.reloads();
  await expect(copyNotice(person.page)).toBeVisible();
  await form.holds("title", "Behind a proxy");
  await person.isConnected(/offline|reconnecting/);
  await person.page.goto("/records/activities/3");
  await expect(standIn(person.page)).toBeVisible();
  proxy.closeAllConnections();
  proxy.close();
});

test("Inkfast's own page about a database that is away is shown, not a copy", async ({ person, database }) => {
  await person.opens("activities/1");
  await isKept(person.page);
  await database.way.set({ kind: "cut" });
  await person.isConnected(/degraded/);
  await person.page.reload();
  await expect(person.page.locator("[data-waiting]")).toBeVisible();
  await expect(copyNotice(person.page)).toHaveCount(0);
});

test("the server is frozen during a reload: the copy is shown, and the page as it is when it goes on", async ({ person, inkfast }) => {
  const form = await person.opens("activities/1");
  await isKept(person.page);
  inkfast.freeze();
  await person.page.reload({ timeout: 15_000 });
  await expect(copyNotice(person.page)).toBeVisible();
  await person.isHydrated();
  await form.holds("title", "Replace the belt of conveyor 4");
  await person.isConnected(/offline|reconnecting/);
  inkfast.thaw();
  await expect(copyNotice(person.page)).toHaveCount(0, { timeout: 30_000 });
  await person.isHydrated();
  await form.is("clean");
});

test("what is typed into a copy is not loaded over when the server is back", async ({ person, inkfast }) => {
  test.slow();
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await inkfast.kill();
  await person.reloads();
  await form.type("title", "Still typing");
  await inkfast.startAgain();
  const offer = person.page.getByRole("button", { name: "Load the page anew" });
  await expect(offer).toBeVisible({ timeout: 30_000 });
  await form.holds("title", "Still typing");
  await form.is("dirty");
  // It is watched on: gone again, the page does not go on saying that the server is back.
  await inkfast.kill();
  await expect(offer).toHaveCount(0, { timeout: 30_000 });
  await expect(copyNotice(person.page)).toContainText("cannot be reached");
  await inkfast.startAgain();
  await expect(offer).toBeVisible({ timeout: 30_000 });
  await form.holds("title", "Still typing");
});

test("another account on the same browser is shown nothing of the first", async ({ person, inkfast }) => {
  await inkfast.addAccount("mira", "a password of her own", "superuser");
  const form = await person.opens("activities/1");
  await isKept(person.page);
  await form.type("title", "Ada's own");
  await form.isKeptOnThisDevice();
  await person.page.context().clearCookies();
  await person.signsIn("mira", "a password of her own");
  await person.page.goto("/records/technicians");
  await isKept(person.page, "mira");
  await inkfast.kill();

  await person.page.goto("/records/activities/1");
  await expect(standIn(person.page)).toBeVisible();
  await expect(person.page.locator("[data-device-drafts]")).toContainText("Nothing unsaved");
  await expect(person.page.locator("body")).not.toContainText(/conveyor 4|Ada's own/);
  await person.page.goto("/records/technicians");
  await expect(copyNotice(person.page)).toBeVisible();

  await inkfast.startAgain();
  await expect(copyNotice(person.page)).toHaveCount(0);
  await person.page.context().clearCookies();
  await person.signsIn();
  await person.page.goto("/records/technicians");
  await inkfast.kill();
  await person.opens("activities/1");
  await new RecordForm(person.page).holds("title", "Ada's own");
});

test.describe("on a slow way", () => {
  test.use({ behindAWay: true });

  test("a page that takes longer than a copy is waited for is had all the same", async ({ person, inkfast }) => {
    test.slow();
    await person.page.goto("/records/technicians");
    await person.isHydrated();
    await isKept(person.page);
    await inkfast.way.set({ kind: "slow", latency_ms: 6_000 });
    await person.page.reload({ timeout: 30_000 });
    await expect(copyNotice(person.page)).toBeVisible();
    // Without a word of being a copy, and running.
    await expect(person.page.locator("html[data-hydrated]:not([data-saved-copy])")).toHaveCount(1, { timeout: 40_000 });
    await expect(person.page.locator("main")).toContainText("Ada Berger");
  });
});
