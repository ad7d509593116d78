// What is kept for when the server is away goes when somebody signs out, and stays right across a deployment.
import { rm } from "node:fs/promises";
import { copyNotice, isKept, keptPages, standIn } from "../fixtures/offline.ts";
import { Person } from "../fixtures/person.ts";
import { siteOfBuild } from "../fixtures/site.ts";
import { expect, test } from "../fixtures/story.ts";

test.use({ serviceWorkers: "allow" });

test("signing out removes this account's pages, and nobody else's", async ({ person, inkfast }) => {
  await inkfast.addAccount("mira", "a password of her own", "superuser");
  await person.opens("activities/1");
  await isKept(person.page);
  await person.page.context().clearCookies();
  await person.signsIn("mira", "a password of her own");
  await person.page.goto("/records/activities");
  await isKept(person.page, "mira");
  await person.signsOut();
  await expect(person.page).toHaveURL(/\/login/);
  expect(await keptPages(person.page, "mira")).toEqual([]);
  expect(await keptPages(person.page, "admin")).toContain("/records/activities/1");

  await inkfast.kill();
  await person.page.goto("/records/activities");
  await expect(standIn(person.page)).toContainText("The server cannot be reached");
  await expect(person.page.locator("body")).not.toContainText(/conveyor|Unsaved work/);
});

test("signed out while the server is away: the pages go at once, and the server hears of it before anything else", async ({ person, inkfast }) => {
  await person.opens("activities/1");
  await isKept(person.page);
  await inkfast.kill();
  await person.reloads();
  await person.isConnected(/offline/);
  await person.signsOut();
  await expect(person.page.locator("main")).toContainText("Signed out on this device");
  await expect.poll(() => keptPages(person.page)).toEqual([]);

  // The tab that knows of it is closed, and another one comes first.
  const context = person.page.context();
  const next = await context.newPage();
  await person.page.close();
  await next.goto("/records/activities/1");
  await expect(standIn(next)).toContainText("You are signed out on this device");
  // Nor does the page's own script tell the server: then the record would have been shown first.
  await next.evaluate(() => localStorage.removeItem("inkfast:1:sign-out"));
  await inkfast.startAgain();
  await expect(next).toHaveURL(/\/login/, { timeout: 30_000 });
  await next.goto("/records/activities/1");
  await expect(next).toHaveURL(/\/login/);
  await new Person(next).givesNameAndPassword();
  await expect(next.locator("form[data-resilient-form]")).toBeVisible();
});

test("pressed Sign out just as the server went: it is signed out as soon as it is back", async ({ person, inkfast }) => {
  await person.opens("activities/1");
  await isKept(person.page);
  await inkfast.kill();
  await person.page.evaluate(() => document.querySelector<HTMLFormElement>("form[data-sign-out]")!.submit());
  await expect(standIn(person.page)).toContainText("You are signed out on this device");
  expect(await keptPages(person.page)).toEqual([]);
  await inkfast.startAgain();
  await expect(person.page).toHaveURL(/\/login$/);
  await expect(person.page.locator('[name="password"]')).toBeVisible({ timeout: 30_000 });
  await person.page.goto("/records/activities/1");
  await expect(person.page).toHaveURL(/\/login/);
});

test("an attempt to sign in that fails undoes no sign-out", async ({ person, inkfast }) => {
  await person.opens("activities/1");
  await isKept(person.page);
  const cookies = await person.page.context().cookies();
  const other = await person.page.context().newPage();
  await other.goto("/login");
  await inkfast.kill();
  await person.reloads();
  await person.isConnected(/offline/);
  await person.signsOut();
  await expect(person.page.locator("main")).toContainText("Signed out on this device");
  await person.page.close();
  const refused = other.waitForEvent("requestfailed", (request) => request.isNavigationRequest());
  await new Person(other).givesNameAndPassword("admin", "whatever");
  await refused;
  await inkfast.startAgain();
  await other.goto("/records/activities/1");
  await expect(other).toHaveURL(/\/login/);
  // Not on this device alone: what the cookie opened is over.
  await person.page.context().addCookies(cookies);
  await other.goto("/records/activities/1");
  await expect(other).toHaveURL(/\/login/);
});

test("a new build never loads over what is typed: it is offered, and the old page goes on", async ({ page, inkfast, database }) => {
  const [before, after] = [await siteOfBuild("before"), await siteOfBuild("after")];
  await inkfast.kill();
  await inkfast.startAgain({ INKFAST_SITE_DIR: before.folder });
  const person = new Person(page);
  await person.signsIn();
  const form = await person.opens("activities/1");
  await isKept(page);
  await form.type("title", "Typed across a deployment");
  await page.evaluate(() => Object.assign(window, { isTheSamePage: true }));

  await inkfast.kill();
  await rm(before.folder, { recursive: true });
  await inkfast.startAgain({ INKFAST_SITE_DIR: after.folder });
  const offer = page.locator("[data-new-build]");
  await expect(offer).toContainText("new version");
  await form.holds("title", "Typed across a deployment");
  expect(await page.evaluate(() => "isTheSamePage" in window)).toBe(true);
  // The server has them no more, and this page may still need them.
  for (const place of before.places) {
    expect(await page.evaluate(async (place) => (await fetch(place)).status, place)).toBe(200);
  }
  await form.save();
  await form.is("saved");
  await form.type("title", "Typed after it");

  await offer.getByRole("button", { name: "Load it" }).click();
  await expect.poll(() => page.evaluate(() => "isTheSamePage" in window).catch(() => "on its way")).toBe(false);
  await person.isHydrated();
  await form.holds("title", "Typed after it");
  await form.is("dirty");
  const loaded = page.locator(`script[data-js="${after.places.find((place) => /inkfast\.[0-9a-f]+\.js$/.test(place))}"]`);
  await expect(loaded).toHaveCount(1);
  await expect(offer).toHaveCount(0);
  expect(await database.audited("update", "activities")).toBe(1);

  // And the new build is there without the server as well.
  await isKept(page);
  await expect
    .poll(() => page.evaluate(async (places) => (await Promise.all(places.map((place) => caches.match(place)))).every(Boolean), after.places))
    .toBe(true);
  await inkfast.kill();
  await person.reloads();
  await expect(copyNotice(page)).toBeVisible();
  await form.holds("title", "Typed after it");
  await rm(after.folder, { recursive: true });
});

test("switched off, what was kept before goes, and a worker with it", async ({ person, inkfast }) => {
  await person.opens("activities/1");
  await isKept(person.page);
  await inkfast.kill();
  await inkfast.startAgain({ INKFAST_OFFLINE_PAGES: "off" });
  const left = () =>
    person.page.evaluate(async () => ({
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      thisPage: (await caches.match(location.href)) !== undefined,
      caches: await caches.keys(),
    }));
  const nothing = { workers: 0, thisPage: false, caches: [] };
  await person.opens("activities/1");
  // A worker that is just keeping a page may make an empty cache once more, which goes with the next page.
  await expect.poll(async () => ({ ...(await left()), caches: [] })).toEqual(nothing);
  await person.reloads();
  await expect.poll(left).toEqual(nothing);
  await person.reloads();
  await person.page.waitForTimeout(1_000);
  expect(await left()).toEqual(nothing);
});

test("the next build's worker takes over once no page is open, and only the files of the last build stay", async ({ page, inkfast }) => {
  test.slow();
  const builds = [await siteOfBuild("first"), await siteOfBuild("second"), await siteOfBuild("third")];
  const context = page.context();
  let last = page;
  for (const [at, { folder, places }] of builds.entries()) {
    await inkfast.kill();
    await inkfast.startAgain({ INKFAST_SITE_DIR: folder });
    if (at === 0) await new Person(last).signsIn();
    await new Person(last).opens("activities/1");
    // Its files are there before it is at work.
    await expect.poll(() => last.evaluate(async (place) => (await caches.match(place)) !== undefined, places[0]!)).toBe(true);
    // It takes over where the one before has nothing under way and no page.
    const isAtWork = async () => {
      await last.close();
      last = await context.newPage();
      await new Person(last).opens("activities/1");
      return last.evaluate(async () => (await navigator.serviceWorker.ready) && (await navigator.serviceWorker.getRegistration())?.waiting === null);
    };
    await expect.poll(isAtWork, { timeout: 30_000 }).toBe(true);
  }
  const isHere = (place: string) => last.evaluate(async (place) => (await caches.match(place)) !== undefined, place);
  const here = () => Promise.all(builds.map(({ places }) => isHere(places[0]!)));
  await expect.poll(here).toEqual([false, true, true]);
  await Promise.all(builds.map(({ folder }) => rm(folder, { recursive: true })));
});
