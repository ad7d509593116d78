import { adminPassword } from "../fixtures/inkfast.ts";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

test("a wrong password is refused in words, and the name stays", async ({ page }) => {
  await page.goto("/login");
  await new Person(page).givesNameAndPassword("admin", "wrong");
  await expect(page.locator('[name="username"]')).toHaveValue("admin");
  await expect(page.locator("body")).toContainText(/do not belong together|wrong/i);
});

test("whoever is not signed in is asked to, and then gets where they wanted", async ({ page }) => {
  await page.goto("/records/activities/1");
  await expect(page).toHaveURL(/\/login/);
  await new Person(page).givesNameAndPassword();
  await expect(page).toHaveURL(/\/records\/activities\/1$/);
});

test("after signing out the records are closed", async ({ person }) => {
  await person.page.goto("/");
  await person.signsOut();
  await expect(person.page).toHaveURL(/\/login/);
  await person.page.goto("/records/activities/1");
  await expect(person.page).toHaveURL(/\/login/);
});

test("a viewer sees a record and has no form for it", async ({ inkfast, page }) => {
  await inkfast.addAccount("guest", "only looking around", "viewer");
  const guest = new Person(page);
  await guest.signsIn("guest", "only looking around");
  const form = await guest.opensWithoutWaiting("activities/1");
  await expect(page.locator("body")).toContainText("Replace the belt of conveyor 4");
  await expect(form.itself).toHaveCount(0);
});

test("a session that ended while typing: signed in over the form, and the save goes on by itself", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Typed for a long time");
  await person.page.context().clearCookies();
  await form.save();
  await form.is("signed-out");
  await form.holds("title", "Typed for a long time");

  const dialog = person.page.getByRole("dialog");
  await dialog.locator('[name="password"]').fill(adminPassword);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await form.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Typed for a long time" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("signing out with unsaved text asks first, and Stay changes nothing", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Not saved yet");
  await form.isKeptOnThisDevice();
  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Stay" }).click();
  await form.holds("title", "Not saved yet");
  await form.is("dirty");
});

test("text kept on the server at signing out is there at the next sign-in", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "For tomorrow");
  await form.isKeptOnThisDevice();
  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Keep on the server and sign out" }).click();
  await expect(person.page).toHaveURL(/\/login/);
  const left = await person.page.evaluate(() => Object.values({ ...localStorage }).join());
  expect(left).not.toContain("For tomorrow");

  await person.signsIn();
  await person.opens("activities/1");
  await form.holds("title", "For tomorrow");
  await form.is("dirty");
});

test("text discarded at signing out does not come back", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Never mind");
  await form.isKeptOnTheServer();
  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Discard and sign out" }).click();
  await expect(person.page).toHaveURL(/\/login/);

  await person.signsIn();
  await person.opens("activities/1");
  await form.holds("title", "Replace the belt of conveyor 4");
  await form.is("clean");
});
