import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

test.use({ drills: true });

test("a drill is started from its page: a save in another tab is queued, and done once when it is over", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Typed before the drill");
  const staff = new Person(await person.page.context().newPage());
  await staff.page.goto("/monitoring/drills");
  await expect(staff.page.locator("[data-drills]")).toHaveText(/Drills are on/);
  await staff.page.getByRole("radio", { name: /Refuses/ }).check();
  await staff.page.getByLabel("For how many seconds").fill("120");
  await staff.page.getByRole("button", { name: "Start the drill" }).click();
  await expect(staff.page.locator("[data-drill=running]")).toHaveText(/The database refuses/);

  await form.save();
  await form.is("queued");
  await form.holds("title", "Typed before the drill");
  await person.isConnected(/degraded/);
  expect(await database.audited("update", "activities")).toBe(0);

  await staff.page.getByRole("button", { name: "Stop now" }).click();
  await expect(staff.page.locator("[data-drill=report]")).toHaveText(/The last drill: the database refused/);
  await form.is("saved");
  await form.saysAllIsSaved();
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Typed before the drill" });
  expect(await database.audited("update", "activities")).toBe(1);
  await staff.page.reload();
  await expect(staff.page.locator("[data-drill=report]")).toHaveText(/Forms still waiting now\s*0/);
  await expect(person.page.locator("[data-drills]")).toBeVisible();
});

test("a drill ends by itself", async ({ person }) => {
  await person.page.goto("/monitoring/drills");
  await person.page.getByLabel("For how many seconds").fill("6");
  await person.page.getByRole("button", { name: "Start the drill" }).click();
  await expect(person.page.locator("[data-drill=running]")).toBeVisible();
  await expect(async () => {
    await person.page.goto("/monitoring/drills");
    await expect(person.page.locator("[data-drill=report]")).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 30_000 });
  const form = await person.opens("activities/1");
  await form.type("title", "After the drill");
  await form.save();
  await form.is("saved");
});

test("the numbers for staff refresh by themselves, and stop when told to", async ({ person }) => {
  await person.page.goto("/monitoring");
  const asOf = person.page.locator("[data-live] .page-note").first();
  const first = await asOf.textContent();
  await expect(asOf).not.toHaveText(first!, { timeout: 15_000 });
  const pause = person.page.getByRole("button", { name: "Pause" });
  await pause.click();
  await expect(pause).toHaveAttribute("aria-pressed", "true");
});
