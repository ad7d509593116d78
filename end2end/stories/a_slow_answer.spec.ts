// Slow is not dead: typing goes on, and a second try changes nothing.
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "../fixtures/story.ts";

/** How long the answer to the first press is under way: longer than a page waits for one. */
const UNDER_WAY = 29_000;

test("an answer takes 29 s: the page says slow, typing goes on, and it is saved once", async ({ person, database }) => {
  test.setTimeout(150_000);
  // Whoever hears the events learns from them that it was saved.
  await person.page.route("**/events?*", (route) => route.abort());
  const form = await person.opens("activities/1");
  let posts = 0;
  await person.page.route("**/records/activities/1", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    posts += 1;
    const isFirst = posts === 1;
    const answer = await route.fetch();
    if (isFirst) await pause(UNDER_WAY);
    // By then the page may have given this one up.
    await route.fulfill({ response: answer }).catch(() => {});
  });
  await form.type("title", "Saved slowly");
  await form.save();
  await form.is("saving");
  await person.isConnected(/slow/);
  await form.type("notes", "Typed while it was slow");
  await form.is("saving");
  await form.holds("notes", "Typed while it was slow");

  await expect(form.itself).toHaveAttribute("data-state", "dirty", { timeout: 60_000 });
  await form.holds("title", "Saved slowly");
  await form.holds("notes", "Typed while it was slow");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Saved slowly" });
  expect(await database.audited("update", "activities")).toBe(1);
  await person.isConnected(/online/);
  await form.save();
  await form.is("saved");
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Saved slowly", notes: "Typed while it was slow" });
  expect(await database.audited("update", "activities")).toBe(2);
});
