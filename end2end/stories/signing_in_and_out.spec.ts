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
  await person.page.locator("form[data-sign-out]").getByRole("button").click();
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
