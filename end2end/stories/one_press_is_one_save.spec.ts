import { RecordForm } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";
import { isPress, pressesOf } from "../fixtures/watching.ts";

const title = "SELECT title FROM activities WHERE id = 1";

test("Ctrl+S and a click at the same moment are one save", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  await form.type("title", "Pressed by hand and by key");
  await form.saveButton.evaluate((button: HTMLButtonElement) => {
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "s", ctrlKey: true, cancelable: true }));
    button.click();
  });
  await form.is("saved");
  expect(new Set(presses.map(({ id }) => id)).size).toBe(1);
  expect(await database.row(title)).toEqual({ title: "Pressed by hand and by key" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("the database ends two attempts by deadlock: one press, one save, and no word about it", async ({ person, database }) => {
  // A sequence counts on where a transaction is undone.
  await database.execute(`
    CREATE SEQUENCE attempts;
    CREATE FUNCTION end_twice() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('attempts') <= 2 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER end_twice BEFORE UPDATE ON activities FOR EACH ROW EXECUTE FUNCTION end_twice();`);
  const form = await person.opens("activities/1");
  const presses = pressesOf(person.page);
  await form.type("title", "Third time lucky");
  await form.save();
  await form.is("saved");
  await form.saysAllIsSaved();
  expect(await database.row("SELECT last_value FROM attempts")).toEqual({ last_value: 3 });
  expect(presses).toHaveLength(1);
  await expect(person.page.locator("[data-toast]")).toHaveCount(0);
  expect(await database.row(title)).toEqual({ title: "Third time lucky" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("two tabs of one new form: the second is told that it was saved with other text, and goes on as that record", async ({ person, database }) => {
  const first = await person.opens("activities/new");
  const address = person.page.url();
  const page = await person.page.context().newPage();
  await page.goto(address);
  await expect(page.locator("html")).toHaveAttribute("data-hydrated", /.*/);
  const second = new RecordForm(page);

  await first.type("title", "Made in the first tab");
  await first.save();
  await first.is("saved");
  await second.type("title", "Typed in the second tab");
  const refused = page.waitForResponse((response) => isPress(response.request()));
  await second.save();
  expect((await refused).status()).toBe(422);
  await expect(second.itself.locator('[data-banner="message"]')).toContainText("An earlier press of Save was carried out with other text");
  await second.holds("title", "Typed in the second tab");
  const made = await database.row<{ id: number }>("SELECT id FROM activities WHERE title = 'Made in the first tab'");
  await expect(page).toHaveURL(new RegExp(`/records/activities/${made.id}$`));

  await second.save();
  await second.is("saved");
  expect(await database.rows("SELECT id FROM activities WHERE title = 'Typed in the second tab'")).toEqual([made]);
  expect(await database.audited("create", "activities")).toBe(1);
});

test.describe("behind a way", () => {
  test.use({ behindAWay: true });

  test("the way breaks while the server is still at it: the page waits for that save and makes no second", async ({ person, inkfast, database }) => {
    // From the events it would learn that it was saved without asking again.
    await person.page.route("**/events?*", (route) => route.abort());
    const form = await person.opens("activities/1");
    const presses = pressesOf(person.page);
    await form.type("title", "Saved slowly");
    // A save takes seconds, and so it is still under way when it comes a second time.
    await database.way.set({ kind: "slow", latency_ms: 250 });
    await inkfast.way.set({ kind: "cut_after_forwarding", pattern: "POST /records/" });
    const told = person.page.waitForResponse((response) => isPress(response.request()) && response.status() === 409);
    await form.save();
    const answer = await told;
    expect((await answer.json()).error).toBe("in_progress");
    expect(Number(answer.headers()["retry-after"])).toBeGreaterThan(0);
    const before = presses.length;
    await form.is("saving");
    await form.holds("title", "Saved slowly");
    await database.way.set({ kind: "pass" });
    await expect(form.itself).toHaveAttribute("data-state", "saved", { timeout: 30_000 });
    expect(presses.length, "it asks again").toBeGreaterThan(before);
    expect(new Set(presses.map(({ id }) => id)).size).toBe(1);
    expect(await database.row(title)).toEqual({ title: "Saved slowly" });
    expect(await database.audited("update", "activities")).toBe(1);
  });
});
