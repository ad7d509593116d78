// `local_drafts = sealed`, and `off`: what lies on a device says nothing to whoever reads its files.
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "@playwright/test";
import { everyLook, isForEveryone } from "../fixtures/looks.ts";
import { adminPassword } from "../fixtures/inkfast.ts";
import { holdsBack } from "../fixtures/network.ts";
import { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";
import { wouldBeAsked } from "../fixtures/watching.ts";

const typed = "Nobody else reads this";

/** Everything that this origin keeps, one text. */
const all = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    const stored = [{ ...localStorage }, { ...sessionStorage }].map((storage) => JSON.stringify(storage));
    const opened = indexedDB.open("inkfast");
    const database = await new Promise<IDBDatabase>((done, failed) => {
      opened.onsuccess = () => done(opened.result);
      opened.onerror = () => failed(opened.error);
    });
    const entries = database.transaction("entries").objectStore("entries").getAll();
    await new Promise((done) => (entries.onsuccess = done));
    database.close();
    stored.push(...entries.result);
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) stored.push(`${request.url} ${await (await cache.match(request))!.text()}`);
    }
    return stored.join("\n");
  });

const keyOf = (page: Page) => page.evaluate(() => sessionStorage.getItem("inkfast:1:key:admin"));
/** The key, once it is there; a page that got it late has loaded itself anew by then. */
async function keyHere(page: Page): Promise<string> {
  await expect.poll(() => keyOf(page).catch(() => null), { timeout: 30_000 }).not.toBeNull();
  await new Person(page).isHydrated();
  return (await keyOf(page))!;
}
/** Whether the worker has had the time to keep what it keeps. */
const pagesAreKept = (page: Page) => expect.poll(() => page.evaluate(() => caches.has("inkfast-pages-admin"))).toBe(true);
const ownEntries = (page: Page) =>
  page.evaluate(() => Object.entries(localStorage).filter(([name]) => /^inkfast:1:(draft|outbox):admin:/.test(name)));
const notice = (page: Page) => page.locator("[data-locked]");

/** Another tab of the same browser. */
async function anotherTab(person: Person): Promise<Person> {
  return new Person(await person.page.context().newPage());
}

/** Text lies sealed, its tab is closed, and the server tells nobody the key for now. */
async function leftWithoutKey(person: Person) {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/1");
  await form.type("title", typed);
  await form.isKeptOnThisDevice();
  const kept = await ownEntries(person.page);
  const context = person.page.context();
  await context.route("**/api/session/draft-key**", (route) => route.abort());
  await person.page.close();
  return { later: await anotherTab(person), kept, context };
}

test.describe("sealed", () => {
  test.use({ moreSettings: { INKFAST_LOCAL_DRAFTS: "sealed" } });

  test.describe("with pages kept", () => {
    test.use({ serviceWorkers: "allow" });

    test("what is typed lies nowhere on the device as text, and is there after a reload without the server", async ({ person, inkfast, database }) => {
      await person.hasOnlyThisDevice();
      const form = await person.opens("activities/1");
      const before = await form.field("title").inputValue();
      await form.type("title", typed);
      await form.isKeptOnThisDevice();
      await pagesAreKept(person.page);
      const kept = await all(person.page);
      expect(kept).toContain("s1.");
      for (const text of [typed, before]) expect(kept).not.toContain(text);

      await person.reloads();
      await form.holds("title", typed);
      await form.is("dirty");

      await inkfast.kill();
      await form.save();
      await form.is("queued");
      const queued = await ownEntries(person.page);
      expect(queued.some(([name]) => name.includes(":outbox:"))).toBe(true);
      expect(JSON.stringify(queued)).not.toContain(typed);
      // No copy of the record is there: the page that stands in for it lists what this device has.
      await person.page.reload();
      await expect(person.page.locator("[data-device-draft]")).toContainText("activities 1");
      await person.page.locator("[data-device-draft] summary").click();
      await expect(person.page.locator("[data-device-draft]")).toContainText(typed);

      await inkfast.startAgain();
      await expect(form.itself).toBeVisible({ timeout: 30_000 });
      await form.holds("title", typed);
      await expect.poll(() => database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: typed });
      await form.saysAllIsSaved();
      expect(await database.audited("update", "activities")).toBe(1);
    });
  });

  test.describe("with pages kept and no other tab", () => {
    test.use({ serviceWorkers: "allow" });

    test("a new tab while the server is away says that it is locked, and opens once it is back", async ({ person, inkfast }) => {
      await person.hasOnlyThisDevice();
      const form = await person.opens("activities/1");
      await form.type("title", typed);
      await form.isKeptOnThisDevice();
      await pagesAreKept(person.page);
      const kept = await ownEntries(person.page);
      // Before the only tab goes.
      const later = await anotherTab(person);
      await later.hasOnlyThisDevice();
      await person.page.close();
      await inkfast.kill();
      await later.page.goto("/records/activities/1");
      const list = later.page.locator("[data-device-drafts]");
      await expect(list).toContainText("locked until the server has told its key");
      await expect(list).not.toContainText("Nothing unsaved");
      expect(await keyOf(later.page)).toBeNull();
      expect(await ownEntries(later.page)).toEqual(kept);

      await inkfast.startAgain();
      const again = new RecordForm(later.page);
      await expect(again.itself).toBeVisible({ timeout: 30_000 });
      await again.holds("title", typed);
    });
  });

  test("a tab that has no key asks the others, and the server where there is none", async ({ person }) => {
    await person.hasOnlyThisDevice();
    const form = await person.opens("activities/1");
    await form.type("title", typed);
    await form.isKeptOnThisDevice();
    await form.field("title").blur();

    // The server does not hand it out again.
    await person.page.context().route("**/api/session/draft-key**", (route) => route.abort());
    const other = await anotherTab(person);
    const there = await other.opens("activities/1");
    await there.holds("title", typed);
    expect(await keyHere(other.page)).toBe(await keyHere(person.page));
  });

  test("without a key it is locked until the server has told it, stays as it is, and opens by itself", async ({ person }, info) => {
    info.setTimeout(120_000);
    const { later, kept, context } = await leftWithoutKey(person);
    await later.hasOnlyThisDevice();
    const locked = await later.opens("activities/1");
    await expect(notice(later.page)).toContainText("Locked until the server tells the key");
    await expect(notice(later.page)).toContainText("Nothing of it is lost");
    await expect(locked.words).toHaveText("What this device keeps is locked");
    // What is typed meanwhile is not written as text, and the page says so.
    const original = await locked.field("title").inputValue();
    await locked.type("title", "Typed while locked");
    await expect(locked.words).toHaveText(/Not protected on this device/);
    await isForEveryone(later.page, "locked", everyLook);
    expect(await ownEntries(later.page)).toEqual(kept);
    expect(await all(later.page)).not.toContain("Typed while locked");
    await locked.type("title", original);
    await locked.is("clean");
    await later.page.goto("/drafts");
    await expect(later.page.locator("[data-device-drafts]")).toContainText("locked");
    await expect(later.page.locator("[data-device-drafts]")).not.toContainText("Nothing unsaved");

    await context.unroute("**/api/session/draft-key**");
    await expect(later.page.locator("[data-device-draft]")).toContainText("activities 1", { timeout: 30_000 });
    const again = await later.opens("activities/1");
    await again.holds("title", typed);
  });

  test("a key that comes while somebody is leaving the page does not hold them there", async ({ person }) => {
    const { later, context } = await leftWithoutKey(person);
    await later.page.goto("/");
    await expect(notice(later.page)).toContainText("Locked");
    const arrive = await holdsBack(later.page, "**/records/activities");
    const isAsked = later.page.waitForRequest("**/records/activities");
    await later.page.getByRole("navigation").getByRole("link", { name: "Activities" }).click({ noWaitAfter: true });
    await isAsked;
    const isTold = later.page.waitForResponse(/draft-key/);
    await context.unroute("**/api/session/draft-key**");
    await isTold;
    // Until it is taken; to look at the page would be to wait until it is left.
    await pause(1_000);
    arrive();
    await expect(later.page).toHaveURL(/\/records\/activities$/);
  });

  test("typed before the script has loaded, and reloaded: it is there, and lies sealed", async ({ person }) => {
    await person.hasOnlyThisDevice();
    await person.page.route("**/pkg/*.wasm", (route) => route.abort());
    const form = await person.opensWithoutWaiting("activities/1");
    await form.type("title", typed);
    await expect.poll(() => person.page.evaluate(() => Object.keys(sessionStorage).join())).toContain("inkfast:1:early:admin:");
    expect(await person.page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain(typed);
    await person.page.unroute("**/pkg/*.wasm");
    await person.reloads();
    await form.holds("title", typed);
    await form.isKeptOnThisDevice();
    expect(await all(person.page)).not.toContain(typed);
    await person.reloads();
    await form.holds("title", typed);
  });

  test("an entry that was changed, or is another's in its place, is not read, said, and left where it is", async ({ person }) => {
    await person.hasOnlyThisDevice();
    const form = await person.opens("activities/1");
    await form.type("title", typed);
    await form.isKeptOnThisDevice();
    const swapped = await person.page.evaluate(async () => {
      const name = Object.keys(localStorage).find((name) => name.startsWith("inkfast:1:draft:admin:activities/1:"))!;
      const other = name.replace("activities/1", "activities/2");
      localStorage.setItem(other, localStorage.getItem(name)!);
      return other;
    });
    const second = await person.opens("activities/2");
    await expect(notice(person.page)).toContainText("cannot be opened");
    await expect(second.field("title")).not.toHaveValue(typed);
    await second.is("clean");
    expect(await person.page.evaluate((name) => localStorage.getItem(name), swapped)).toMatch(/^s1\./);
  });

  test("somebody else on the device has another key, and signing out takes it away", async ({ person, inkfast }) => {
    await person.hasOnlyThisDevice();
    const form = await person.opens("activities/1");
    await form.type("title", typed);
    await form.isKeptOnThisDevice();
    const key = await keyHere(person.page);
    expect(JSON.parse(key).keys[0]).toMatch(/^[0-9a-f]{64}$/);
    const kept = await ownEntries(person.page);

    await inkfast.addAccount("mira", "a password of her own", "superuser");
    // The session is over, and nobody has pressed anything: the text stays.
    await person.page.context().clearCookies();
    await person.page.goto("/login");
    await expect.poll(() => keyOf(person.page)).toBeNull();
    await person.givesNameAndPassword("mira", "a password of her own");
    await expect(person.page).not.toHaveURL(/\/login/);
    const hers = await person.opens("activities/1");
    await expect(hers.field("title")).not.toHaveValue(typed);
    const herKey = () => person.page.evaluate(() => sessionStorage.getItem("inkfast:1:key:mira") ?? "");
    await expect.poll(herKey).toMatch(/[0-9a-f]{64}/);
    expect(await herKey()).not.toBe(key);
    expect(await ownEntries(person.page)).toEqual(kept);
    expect(await keyOf(person.page)).toBeNull();
  });

  test("signed out in one tab, no tab has the key, and nothing that it sealed is there", async ({ person }) => {
    const form = await person.opens("activities/1");
    await form.type("title", typed);
    await form.isKeptOnTheServer();
    const other = await anotherTab(person);
    await other.opens("activities/2");
    await keyHere(other.page);
    await person.signsOut();
    await person.page.getByRole("dialog").getByRole("button", { name: "Discard and sign out" }).click();
    await expect(person.page).toHaveURL(/\/login/);
    for (const { page } of [person, other]) await expect.poll(() => keyOf(page)).toBeNull();
    expect(await all(person.page)).not.toContain("s1.");
  });

  test("signed out in another tab and in again here: the key is there again, and text is kept", async ({ person }) => {
    const form = await person.opens("activities/1");
    await form.type("title", "Typed before");
    await form.isKeptOnTheServer();
    const other = await anotherTab(person);
    await other.opens("activities/2");
    await other.signsOut();
    await other.page.getByRole("dialog").getByRole("button", { name: "Keep on the server and sign out" }).click();
    await expect(other.page).toHaveURL(/\/login/);
    await form.is("signed-out");
    await expect.poll(() => keyOf(person.page)).toBeNull();
    await person.page.locator("[data-sign-in]").click();
    await person.page.locator("dialog [name=password]").fill(adminPassword);
    await person.page.locator("dialog [name=password]").press("Enter");
    await expect.poll(() => keyOf(person.page), { timeout: 15_000 }).not.toBeNull();
    await form.type("title", typed);
    await form.isKeptOnThisDevice();
    await expect.poll(async () => JSON.stringify(await ownEntries(person.page))).toContain("s1.");
  });

  test("typed without a key and without the server, it is in the page only, which asks before it goes", async ({ person }) => {
    const context = person.page.context();
    await context.route("**/api/session/draft-key**", (route) => route.abort());
    const later = await anotherTab(person);
    await person.page.close();
    await later.page.addInitScript(() => sessionStorage.removeItem("inkfast:1:key:admin"));
    await later.hasOnlyThisDevice();
    const form = await later.opens("activities/1");
    await form.type("title", typed);
    await expect(form.words).toHaveText("Unsaved changes. Not protected on this device");
    expect(await wouldBeAsked(later.page)).toBe(true);
    expect(await all(later.page)).not.toContain(typed);
    await context.unroute("**/api/session/draft-key**");
    await expect.poll(() => keyOf(later.page), { timeout: 15_000 }).not.toBeNull();
    await form.isKeptOnThisDevice();
    expect(await wouldBeAsked(later.page)).toBe(false);
    expect(await all(later.page)).not.toContain(typed);
  });

  test("signing out of a tab that has no key leaves there what it cannot read", async ({ person }) => {
    const { later, kept, context } = await leftWithoutKey(person);
    const second = await later.opens("activities/2");
    await expect(notice(later.page)).toContainText("Locked");
    await second.type("title", "Typed while locked");
    await expect(second.words).toHaveText(/kept on the server/);
    await later.signsOut();
    await later.page.getByRole("dialog").getByRole("button", { name: "Keep on the server and sign out" }).click();
    await expect(later.page).toHaveURL(/\/login/);
    expect(await ownEntries(later.page)).toEqual(kept);
    await context.unroute("**/api/session/draft-key**");
    await later.givesNameAndPassword();
    await expect(later.page).not.toHaveURL(/\/login/);
    const again = await later.opens("activities/1");
    await again.holds("title", typed);
  });

  test("a tab with a key that is no longer the server's takes the new one, and opens with both", async ({ person }) => {
    await person.hasOnlyThisDevice();
    const form = await person.opens("activities/1");
    const present = JSON.parse(await keyHere(person.page));
    const old = { mark: "00000000", keys: ["ab".repeat(32)] };
    await person.page.evaluate((old) => sessionStorage.setItem("inkfast:1:key:admin", JSON.stringify(old)), old);
    await person.reloads();
    expect(JSON.parse(await keyHere(person.page))).toEqual({ mark: present.mark, keys: [...present.keys, ...old.keys] });
    await form.type("title", typed);
    await form.isKeptOnThisDevice();
    // As in a tab that never had the old one.
    await person.page.evaluate(() => sessionStorage.removeItem("inkfast:1:key:admin"));
    await person.reloads();
    await form.holds("title", typed);
  });

  test("what lies there as text from before is read, and sealed with the next letter", async ({ person, inkfast }) => {
    await inkfast.kill();
    await inkfast.startAgain({ INKFAST_LOCAL_DRAFTS: "plain" });
    await person.hasOnlyThisDevice();
    const form = await person.opens("activities/1");
    await form.type("title", typed);
    await form.isKeptOnThisDevice();
    expect(await all(person.page)).toContain(typed);
    await inkfast.kill();
    await inkfast.startAgain({ INKFAST_LOCAL_DRAFTS: "sealed" });
    await person.reloads();
    await form.holds("title", typed);
    await form.field("title").press("End");
    await form.field("title").pressSequentially("!");
    await form.isKeptOnThisDevice();
    await expect.poll(() => all(person.page)).not.toContain(typed);
    await person.reloads();
    await form.holds("title", `${typed}!`);
  });
});

test.describe("off", () => {
  test.use({ moreSettings: { INKFAST_LOCAL_DRAFTS: "off" } });

  test("the device keeps nothing of what is typed, the page says so, and the server has it", async ({ person }) => {
    const form = await person.opens("activities/1");
    await form.type("title", typed);
    await expect(form.words).toHaveText(/kept on the server\. Not protected on this device/);
    expect(await all(person.page)).not.toContain(typed);
    await person.reloads();
    await form.holds("title", typed);
    await form.is("dirty");
    await form.save();
    await form.saysAllIsSaved();
    expect(await all(person.page)).not.toContain(typed);
  });
});

test("plain, no page asks for a key", async ({ person }) => {
  const asked: string[] = [];
  person.page.on("request", (request) => asked.push(request.url()));
  const form = await person.opens("activities/1");
  await form.type("title", typed);
  await form.isKeptOnThisDevice();
  expect(asked.filter((url) => /draft-key|sealed/.test(url))).toEqual([]);
  await expect(new RecordForm(person.page).itself).toBeVisible();
});
