import { textOnDevice } from "../fixtures/device.ts";
import { adminPassword } from "../fixtures/inkfast.ts";
import { browserModule } from "../fixtures/network.ts";
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

test("discarded at signing out while the server is away: what was queued is never saved", async ({ person, inkfast, database }) => {
  const form = await person.opens("activities/1");
  const other = new Person(await person.page.context().newPage());
  await other.opens("activities/2");
  await form.type("title", "Never mind, and never save");
  await inkfast.kill();
  await form.save();
  await form.is("queued");
  await person.isConnected(/offline|reconnecting/);
  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Discard and sign out" }).click();
  await expect(person.page.locator("main")).toContainText("Signed out on this device");
  await inkfast.startAgain();
  await expect(person.page).toHaveURL(/\/login/, { timeout: 30_000 });

  await person.signsIn();
  const again = await person.opens("activities/1");
  await again.holds("title", "Replace the belt of conveyor 4");
  await again.is("clean");
  await person.page.waitForTimeout(3_000);
  expect(await database.audited("update", "activities")).toBe(0);
});

test("signed out while the server is away: a tab that is not the first to tell it says so no longer", async ({ person, inkfast }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Never mind");
  await form.isKeptOnThisDevice();
  await inkfast.kill();
  await person.isConnected(/offline|reconnecting/);
  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Discard and sign out" }).click();
  await expect(person.page.locator("main")).toContainText("Signed out on this device");
  // All that it sees of a tab that told the server before it.
  await person.page.evaluate(() => localStorage.removeItem("inkfast:1:sign-out"));
  await person.page.context().clearCookies();
  await inkfast.startAgain();
  await expect(person.page).toHaveURL(/\/login/, { timeout: 30_000 });
});

test("signed out while the server is away, and storage takes no promise: the page keeps it, and the session ends", async ({ person, inkfast }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Never mind");
  await form.isKeptOnThisDevice();
  await inkfast.kill();
  await person.isConnected(/offline|reconnecting/);
  await person.page.evaluate(() => {
    const setItem = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
      if (key === "inkfast:1:sign-out") throw new DOMException("full", "QuotaExceededError");
      setItem.call(this, key, value);
    };
  });
  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Discard and sign out" }).click();
  await expect(person.page.locator("main")).toContainText("Signed out on this device");
  await inkfast.startAgain();
  await expect(person.page).toHaveURL(/\/login/, { timeout: 30_000 });
  await person.page.goto("/");
  await expect(person.page).toHaveURL(/\/login/);
});

test("signed out in one tab: a tab without unsaved text is told no tale of storage", async ({ person }) => {
  await person.opens("activities/1");
  const other = new Person(await person.page.context().newPage());
  await other.opens("activities/2");
  await other.signsOut();
  await expect(other.page).toHaveURL(/\/login/);
  await expect(person.page.locator("form[data-resilient-form]")).toHaveAttribute("data-state", "signed-out");
  await person.page.waitForTimeout(1_000);
  await expect(person.toast(/protected|storage/i)).toHaveCount(0);
});

test("signed in again in another tab: what waits for it goes on by itself", async ({ person, database }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Waits for its person");
  await person.page.context().clearCookies();
  await form.save();
  await form.is("signed-out");
  await person.page.getByRole("dialog").getByRole("button", { name: "Later" }).click();

  // Coming back to the window alone opens no dialog: nobody has signed in.
  await person.page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await person.page.waitForTimeout(500);
  await expect(person.page.getByRole("dialog")).toHaveCount(0);
  const other = new Person(await person.page.context().newPage());
  await other.signsIn();
  await form.is("saved");
  await expect(form.itself.locator("[data-outdated]")).toHaveCount(0);
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Waits for its person" });
  expect(await database.audited("update", "activities")).toBe(1);
});

test("kept at signing out: text recorded before the script had loaded is among it", async ({ person }) => {
  await person.page.route(browserModule, (route) => route.abort());
  const early = await person.opensWithoutWaiting("activities/1");
  await early.type("title", "Typed before the script");
  await expect.poll(() => person.page.evaluate(() => JSON.stringify(localStorage))).toContain("Typed before the script");
  await person.page.unroute(browserModule);
  await person.page.goto("/");
  await person.isHydrated();
  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Keep on the server and sign out" }).click();
  await expect(person.page).toHaveURL(/\/login/);
  expect(await person.page.evaluate(() => Object.values({ ...localStorage }).join())).not.toContain("Typed before the script");

  await person.signsIn();
  const form = await person.opens("activities/1");
  await form.holds("title", "Typed before the script");
});

test("a save of one account waits, and another one signs in on the same browser: it is sent for the first alone", async ({
  person,
  inkfast,
  database,
}) => {
  await inkfast.addAccount("mira", "a password of her own", "superuser");
  const form = await person.opens("activities/1");
  await form.type("title", "Pressed by admin");
  await person.page.context().clearCookies();
  await form.save();
  await form.is("signed-out");

  await person.signsIn("mira", "a password of her own");
  const hers = await person.opens("activities/1");
  await hers.holds("title", "Replace the belt of conveyor 4");
  await hers.is("clean");
  await hers.type("notes", "Saved by mira");
  await hers.save();
  await hers.is("saved");
  await person.page.goto("/drafts");
  await expect(person.page.locator("[data-device-drafts]")).toContainText("Nothing unsaved on this device");
  await expect(person.page.locator("body")).not.toContainText("Pressed by admin");
  expect(await database.rows("SELECT account, count(*)::int AS n FROM inkfast.audit GROUP BY account")).toEqual([{ account: "mira", n: 1 }]);

  await person.page.context().clearCookies();
  await person.signsIn();
  await person.opens("activities/1");
  await form.holds("title", "Pressed by admin");
  await expect.poll(() => database.audited("update", "activities")).toBe(2);
  const row = await database.row("SELECT title, notes FROM activities WHERE id = 1");
  expect(row).toEqual({ title: "Pressed by admin", notes: "Saved by mira" });
});

test("discarding at signing out removes this account's text in every tab, and nobody else's", async ({ person, inkfast }) => {
  await inkfast.addAccount("mira", "a password of her own", "superuser");
  const context = person.page.context();
  await context.clearCookies();
  await person.signsIn("mira", "a password of her own");
  const hers = await person.opens("activities/2");
  await hers.type("title", "Mira's own text");
  await hers.isKeptOnThisDevice();
  await context.clearCookies();

  await person.signsIn();
  const form = await person.opens("activities/1");
  await form.type("title", "Typed in one tab");
  await form.isKeptOnThisDevice();
  const other = new Person(await context.newPage());
  const there = await other.opens("activities/3");
  await there.type("title", "Typed in another tab");
  await there.isKeptOnThisDevice();

  await person.signsOut();
  await person.page.getByRole("dialog").getByRole("button", { name: "Discard and sign out" }).click();
  await expect(person.page).toHaveURL(/\/login/);
  // It is in the fields of the other tab, and that says that it is nowhere else.
  await there.is("signed-out");
  await there.holds("title", "Typed in another tab");
  await expect(there.words).not.toContainText("kept on");
  const left = await textOnDevice(person.page);
  expect(left).toContain("Mira's own text");
  expect(left).not.toContain("Typed in");

  await person.signsIn("mira", "a password of her own");
  await person.opens("activities/2");
  await hers.holds("title", "Mira's own text");
});
