// On paper, magnified, without motion, and in one's own colours.
import type { Page } from "@playwright/test";
import { scrollsSideways } from "../fixtures/looks.ts";
import type { Person } from "../fixtures/person.ts";
import type { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";

const LONG = Array.from({ length: 60 }, (_, line) => `Line ${line + 1}: order the belt first, then ask for the roller.`).join("\n");

async function opensLongText(person: Person, database: { execute(statement: string): Promise<void> }): Promise<RecordForm> {
  await database.execute(`UPDATE activities SET notes = '${LONG}' WHERE id = 1`);
  return person.opens("activities/1");
}

const seen = (page: Page, what: string): Promise<string[]> =>
  page.locator(what).evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 120)));

const PRESSED = "button, .button, .button-plain, .header, .rail, [data-toasts], [data-connection], [data-save-words], input[type=search]";

test("a printed form: all of its text, and nothing to press", async ({ person, database }) => {
  const form = await opensLongText(person, database);
  await form.type("title", "Replace both belts of conveyor 4");
  await form.isKeptOnTheServer();
  expect((await seen(person.page, PRESSED)).length).toBeGreaterThan(5);
  await person.page.emulateMedia({ media: "print" });
  expect(await seen(person.page, PRESSED)).toEqual([]);
  await expect(person.page.getByRole("heading", { level: 1 })).toBeVisible();
  const cut = await form.field("notes").evaluate((area) => area.scrollHeight - area.clientHeight);
  expect(cut).toBeLessThanOrEqual(1);
  await expect(form.field("title")).toBeVisible();
});

test("a printed list: its rows, and nothing to press", async ({ person }) => {
  await person.page.goto("/records/activities");
  await person.isHydrated();
  await person.page.emulateMedia({ media: "print" });
  expect(await seen(person.page, PRESSED)).toEqual([]);
  const rows = person.page.locator("table tbody tr");
  expect(await rows.count()).toBeGreaterThan(20);
  await expect(rows.last()).toBeVisible();
  const cut = await person.page.locator(".table-scroll").evaluate((box) => box.scrollHeight - box.clientHeight);
  expect(cut).toBeLessThanOrEqual(1);
});

// 1280 by 1024 pixels, magnified to 200 % and to 400 %.
for (const [magnified, size] of [["200 %", { width: 640, height: 512 }], ["400 %", { width: 320, height: 256 }]] as const) {
  test(`magnified to ${magnified} nothing scrolls sideways, and what is typed is in sight`, async ({ person, database }) => {
    await person.page.setViewportSize(size);
    const form = await opensLongText(person, database);
    for (const address of ["/", "/records/activities", "/records/activities/1/history", "/drafts", "/monitoring", "/monitoring/statements"]) {
      await person.page.goto(address);
      await person.isHydrated();
      expect(await scrollsSideways(person.page), address).toBe(false);
    }
    await person.opens("activities/1");
    await database.execute("UPDATE activities SET title = 'Replace the belt and the roller of conveyor 4' WHERE id = 1");
    await form.type("title", "Replace both belts of conveyor 4");
    const field = await form.field("title").boundingBox();
    const under = await person.page.evaluate(([x, y]) => document.elementFromPoint(x!, y!)?.getAttribute("name"), [field!.x + 20, field!.y + field!.height / 2]);
    expect(under).toBe("v.title");
    await form.save();
    await form.is("conflict");
    expect(await scrollsSideways(person.page), "a conflict").toBe(false);
  });
}

const moving = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll("*")]
      .filter((element) => {
        const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
        const moves = transitionDuration.split(", ").some((duration) => parseFloat(duration) > 0);
        return moves || animationName !== "none" || scrollBehavior === "smooth";
      })
      .map(({ tagName, className }) => `${tagName}.${String(className)}`),
  );

test("nothing moves for those who asked for that", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  expect((await moving(person.page)).length).toBeGreaterThan(0);
  await person.page.emulateMedia({ reducedMotion: "reduce" });
  await form.type("title", "Waiting");
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await person.isConnected(/degraded/);
  expect(await moving(person.page)).toEqual([]);
  expect(await person.page.evaluate(() => document.getAnimations().length)).toBe(0);
});

test("in one's own colours the choice, the status and what has changed are still marked", async ({ person, database }) => {
  await person.page.emulateMedia({ forcedColors: "active" });
  const form = await person.opens("activities/1");
  await database.execute("UPDATE activities SET title = 'Theirs' WHERE id = 1");
  await form.type("title", "Mine");
  await form.save();
  await form.is("conflict");
  const mine = form.conflicts.locator('[data-side="mine"]');
  const outline = () => mine.evaluate((side) => parseFloat(getComputedStyle(side).outlineWidth) * Number(getComputedStyle(side).outlineStyle !== "none"));
  expect(await outline()).toBeLessThan(3);
  await mine.getByRole("radio").check();
  await form.field("notes").focus();
  await expect.poll(outline).toBe(3);
  const backgrounds = (what: string, pseudo: string) =>
    person.page.locator(what).first().evaluate((element, pseudo) => [getComputedStyle(element, pseudo).backgroundColor, getComputedStyle(document.body).backgroundColor], pseudo);
  for (const what of ["[data-connection]", '[data-field="title"]']) {
    const [dot, ground] = await backgrounds(what, "::before");
    expect(dot, what).not.toBe(ground);
    expect(dot, what).not.toBe("rgba(0, 0, 0, 0)");
  }
});
