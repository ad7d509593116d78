// What is announced by itself: each transition once, failures at once, and nothing while nothing changes.
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/story.ts";

test.use({ behindAWay: true });

interface Heard {
  how: "polite" | "assertive";
  words: string;
}

/** Notes what live regions say from now on: what is put into one, or all of it where that is what it says of itself. */
async function listens(page: Page): Promise<() => Promise<Heard[]>> {
  await page.evaluate(() => {
    const heard: { how: string; words: string }[] = [];
    const regions = "[aria-live], [role=status], [role=alert], output";
    const spoken = (node: Node): string => {
      if (node instanceof Text) return node.data;
      if (!(node instanceof HTMLElement) || node.ariaHidden === "true" || !node.checkVisibility()) return "";
      return [...node.childNodes].map(spoken).join(" ");
    };
    const words = (nodes: Node[]) => nodes.map(spoken).join(" ").replace(/\s+/g, " ").trim();
    const last = new Map<Element, string>();
    const says = (region: Element, said: string) => {
      if (region.getAttribute("aria-live") === "off") return;
      const isUrgent = region.getAttribute("aria-live") === "assertive" || region.getAttribute("role") === "alert";
      if (said !== "") heard.push({ how: isUrgent ? "assertive" : "polite", words: said });
    };
    // Roles of their own are read as a whole, unless they say otherwise.
    const isWhole = (region: Element) => (region.ariaAtomic ?? String(!region.hasAttribute("aria-live") || region.hasAttribute("role"))) === "true";
    for (const region of document.querySelectorAll(regions)) last.set(region, words([region]));
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        const region = (target instanceof Element ? target : target.parentElement)?.closest(regions);
        if (region && !isWhole(region)) says(region, words([...addedNodes]));
      }
      for (const region of document.querySelectorAll(regions)) {
        const said = words([region]);
        if (isWhole(region) && said !== (last.get(region) ?? "")) says(region, said);
        last.set(region, said);
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    Object.assign(window, { heard });
  });
  return () => page.evaluate(() => (window as unknown as { heard: Heard[] }).heard.splice(0));
}

/** Six ticks of the server's, by its own clock. */
const sixTicks = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const source = new EventSource("/events");
        let ticks = 0;
        source.addEventListener("tick", () => ++ticks === 6 && (source.close(), resolve()));
      }),
  );

const of = (heard: Heard[], words: RegExp) => heard.filter((one) => words.test(one.words));

test("nothing is announced while one types, while the text is kept, and while the server ticks", async ({ person }) => {
  const form = await person.opens("activities/1");
  await person.isConnected(/online/);
  const heard = await listens(person.page);
  await form.type("title", "Typed letter by letter");
  await form.isKeptOnTheServer();
  await sixTicks(person.page);
  const said = (await heard()).map(({ words }) => words);
  // A machine under load is slow for a moment: that is a transition, told once each way.
  expect(said.filter((words) => words !== "Slow" && words !== "Online")).toEqual([]);
  expect(said.filter((words, at) => words === said[at + 1])).toEqual([]);
});

test("that it was saved is announced, once", async ({ person }) => {
  const form = await person.opens("activities/1");
  await person.isConnected(/online/);
  const heard = await listens(person.page);
  await form.type("title", "Typed and saved");
  await form.isKeptOnTheServer();
  await heard();
  await form.save();
  await form.is("saved");
  await sixTicks(person.page);
  expect(of(await heard(), /saved/i)).toEqual([{ how: "polite", words: "All changes saved" }]);
});

test("an outage, a save that waits and that it is saved are announced once each, politely, and no second that passes", async ({
  person,
  database,
}) => {
  const form = await person.opens("activities/1");
  await person.isConnected(/online/);
  const heard = await listens(person.page);
  await form.type("title", "Announced");
  await form.isKeptOnThisDevice();
  await database.way.set({ kind: "cut" });
  await person.isConnected(/degraded/);
  await form.save();
  await form.is("queued");
  const seconds = person.connection.locator("[data-next-try]");
  await expect(seconds).toHaveText(/next try in \d+ s/);
  await sixTicks(person.page);
  const outage = await heard();
  expect(of(outage, /next try|\d s\b/)).toEqual([]);
  // The toast, and the status, which says what becomes of the text as well.
  expect(of(outage, /^Database unreachable(?!:)/)).toHaveLength(1);
  expect(of(outage, /^Database unreachable: your changes are kept/)).toHaveLength(1);
  expect(of(outage, /Queued: will be saved/)).toHaveLength(1);
  expect(outage.map(({ how }) => how)).not.toContain("assertive");
  await expect(person.connection).toMatchAriaSnapshot(`
    - status:
      - text: /^Database unreachable. your changes are kept/
      - button "Retry now"
  `);

  await database.way.set({ kind: "pass" });
  await form.is("saved");
  await person.isConnected(/online/);
  await sixTicks(person.page);
  const back = await heard();
  expect(of(back, /Saved what was queued/)).toHaveLength(1);
  expect(of(back, /The database is back/)).toHaveLength(1);
  expect(back.map(({ how }) => how)).not.toContain("assertive");
});

test("a lost connection, a conflict and a refusal are announced at once, and once", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  await person.isConnected(/online/);
  const heard = await listens(person.page);
  await inkfast.way.set({ kind: "cut" });
  await person.isConnected(/offline/);
  await expect(person.toast(/Connection lost/)).toBeVisible();
  const lost = await heard();
  expect(of(lost, /Connection lost/)).toEqual([{ how: "assertive", words: expect.stringContaining("Connection lost") }]);
  expect(of(lost, /^Offline/).map(({ how }) => how)).toEqual(["polite"]);
  await inkfast.way.set({ kind: "pass" });
  await person.isConnected(/online/);
  await heard();

  await database.execute("UPDATE activities SET title = 'Hers' WHERE id = 1");
  await form.type("title", "Mine");
  await form.save();
  await form.is("conflict");
  const conflict = of(await heard(), /Somebody else changed the same field/);
  expect(conflict.map(({ how }) => how)).toEqual(["assertive"]);
  await expect(form.conflicts).toMatchAriaSnapshot(`
    - region "Changed by somebody else meanwhile":
      - heading "Changed by somebody else meanwhile" [level=2]
      - paragraph
      - group "Title":
        - radio /Mine/
        - radio /Theirs/
  `);

  await database.execute("DELETE FROM activities WHERE id = 1");
  await form.conflicts.getByRole("radio", { name: /^Mine/ }).check();
  await heard();
  await form.save();
  await expect(form.itself.locator('[data-banner="message"]')).toContainText("The record is gone");
  const refused = of(await heard(), /The record is gone/);
  expect(refused.map(({ how }) => how)).toEqual(["assertive"]);
});

for (const [name, viewport] of [
  ["wide", { width: 1280, height: 720 }],
  ["phone", { width: 390, height: 700 }],
] as const) {
  test(`a toast covers no field in use, wherever that is on a ${name} screen, and takes no focus`, async ({ person, inkfast }) => {
    await person.page.setViewportSize(viewport);
    const form = await person.opens("activities/1");
    await person.isConnected(/online/);
    const toast = person.page.locator("[data-toast]").first();
    const covers = () =>
      person.page.evaluate(() => {
        const field = document.activeElement!.getBoundingClientRect();
        return [...document.querySelectorAll("[data-toast]")].some((toast) => {
          const { left, right, top, bottom } = toast.getBoundingClientRect();
          return field.right > left && field.left < right && field.bottom > top && field.top < bottom;
        });
      });
    const controls = [...["title", "notes", "hours", "urgent"].map((column) => form.field(column)), form.saveButton];
    await controls[0]!.focus();
    await inkfast.way.set({ kind: "cut" });
    await expect(toast).toBeVisible();
    await expect(controls[0]!).toBeFocused();
    for (const control of controls) {
      await control.scrollIntoViewIfNeeded();
      await control.focus();
      expect(await covers()).toBe(false);
    }
    // It came up while a field at the bottom was in use.
    await inkfast.way.set({ kind: "pass" });
    await person.isConnected(/online/);
    await expect(person.page.locator('[data-toast="lost"]')).toHaveCount(0);
    await form.field("urgent").focus();
    await inkfast.way.set({ kind: "cut" });
    await expect(person.page.locator('[data-toast="lost"]')).toBeVisible();
    await expect(form.field("urgent")).toBeFocused();
    expect(await covers()).toBe(false);
  });
}
