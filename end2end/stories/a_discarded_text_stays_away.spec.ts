import type { Page } from "@playwright/test";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

/** The server has been told that a draft was discarded. */
const droppedOn = (page: Page) =>
  page.waitForResponse((answer) => answer.request().method() === "DELETE" && answer.url().includes("/api/drafts/"), { timeout: 30_000 });

test("discarded in one tab: the other keeps it in its fields, says so, and brings it back nowhere", async ({ person, database }) => {
  await person.page.goto("/");
  const before = (await database.row<{ title: string }>("SELECT title FROM activities WHERE id = 1")).title;
  const one = await person.opens("activities/1");
  await one.type("title", "Thrown away");
  await one.isKeptOnTheServer();
  const other = new Person(await person.page.context().newPage());
  const two = await other.opens("activities/1");
  await two.holds("title", "Thrown away");

  const dropped = droppedOn(other.page);
  await two.itself.getByRole("button", { name: "Discard", exact: true }).first().click();
  await two.holds("title", before);
  await dropped;
  await expect(one.itself.locator("[data-discarded-elsewhere]")).toContainText("discarded in another tab");
  await one.holds("title", "Thrown away");

  // Loaded again, the text is nowhere.
  person.page.on("dialog", (dialog) => void dialog.accept());
  await person.page.reload();
  await person.isHydrated();
  await one.holds("title", before);
  await one.is("clean");
  await person.page.goto("/drafts");
  await expect(person.page.locator("main")).toContainText("Nothing is waiting");
  await expect(person.page.locator("[data-device-drafts]")).toContainText("Nothing unsaved on this device");
});

test("discarded in another tab and kept on: a text of its own", async ({ person }) => {
  await person.hasOnlyThisDevice();
  const one = await person.opens("activities/1");
  await one.type("title", "Kept on");
  await one.isKeptOnThisDevice();
  const other = new Person(await person.page.context().newPage());
  await other.hasOnlyThisDevice();
  const two = await other.opens("activities/1");
  await two.holds("title", "Kept on");
  await two.itself.getByRole("button", { name: "Discard", exact: true }).click();
  await one.itself.getByRole("button", { name: "Keep it" }).click();
  await one.isKeptOnThisDevice();
  await other.page.close();
  await person.reloads();
  await one.holds("title", "Kept on");
});

test("discarded from the list of unsaved work: this device does not bring it back", async ({ person }) => {
  const form = await person.opens("activities/2");
  const before = await form.field("title").inputValue();
  await form.type("title", "Thrown away");
  await form.isKeptOnTheServer();
  await person.page.goto("/drafts");
  await person.isHydrated();
  await person.page.locator("main").getByRole("button", { name: /^Discard…/ }).click();
  await person.page.getByRole("dialog").getByRole("button", { name: "Discard", exact: true }).click();
  await person.page.waitForURL(/\/drafts$/);
  const onThisDevice = () => person.page.evaluate(() => Object.values({ ...localStorage }).join());
  await expect.poll(onThisDevice).not.toContain("Thrown away");
  const again = await person.opens("activities/2");
  await again.holds("title", before);
  await again.is("clean");
  await expect(person.toast(/restored/i)).toHaveCount(0);
});

test("discarded on another device: this one does not bring it back", async ({ person, browser, contextOptions, baseURL }) => {
  const form = await person.opens("activities/2");
  const before = await form.field("title").inputValue();
  await form.type("title", "Thrown away");
  await form.isKeptOnTheServer();
  await person.page.goto("/");

  const elsewhere = await browser.newContext({ ...contextOptions, baseURL });
  const sameAccount = new Person(await elsewhere.newPage());
  await sameAccount.signsIn();
  const there = await sameAccount.opens("activities/2");
  await there.holds("title", "Thrown away");
  const dropped = droppedOn(sameAccount.page);
  await there.itself.getByRole("button", { name: "Discard", exact: true }).click();
  await there.holds("title", before);
  await dropped;
  await sameAccount.page.goto("/drafts");
  await expect(sameAccount.page.locator("main")).toContainText("Nothing is waiting");
  await elsewhere.close();

  const again = await person.opens("activities/2");
  await again.holds("title", before);
  await again.is("clean");
  await person.reloads();
  await again.is("clean");
});

test("the number of forms with unsaved work is right after typing and after saving", async ({ person }) => {
  const form = await person.opens("activities/1");
  const badge = person.page.locator("[data-unsaved]");
  await expect(badge).toBeHidden();
  await form.type("title", "One more");
  await expect(badge).toContainText("1");
  await form.save();
  await form.is("saved");
  await expect(badge).toBeHidden();
});

test("after a create the page is called by the record's name", async ({ person }) => {
  const form = await person.opens("activities/new");
  await form.type("title", "Oil the hinges");
  await form.save();
  await form.is("saved");
  await expect(person.page.getByRole("heading", { level: 1 })).toHaveText("Oil the hinges");
  await expect(person.page).toHaveTitle(/Oil the hinges/);
  await person.page.getByRole("link", { name: "History" }).click();
  await expect(person.page).toHaveURL(/\/history$/);
});

test("the server never heard of the discard: its draft is not shown again, and is dropped once it hears", async ({ person, database }) => {
  const before = (await database.row<{ title: string }>("SELECT title FROM activities WHERE id = 1")).title;
  let isCut = true;
  const dropped: number[] = [];
  await person.page.route("**/api/drafts/**", async (route) => {
    if (route.request().method() !== "DELETE") return route.continue();
    if (isCut) return route.abort();
    const answer = await route.fetch();
    dropped.push(answer.status());
    await route.fulfill({ response: answer });
  });
  const form = await person.opens("activities/1");
  await form.type("title", "Thrown away, unheard");
  await form.isKeptOnTheServer();
  await person.reloads();
  await form.holds("title", "Thrown away, unheard");
  await form.itself.getByRole("button", { name: "Discard", exact: true }).first().click();
  await form.holds("title", before);

  await person.reloads();
  await form.holds("title", before);
  await form.is("clean");
  await expect(person.toast(/restored/i)).toHaveCount(0);
  expect(dropped).toEqual([]);

  isCut = false;
  await expect.poll(() => dropped.length, { timeout: 30_000 }).toBeGreaterThan(0);
  await person.page.goto("/drafts");
  await expect(person.page.locator("main")).toContainText("Nothing is waiting");
});
