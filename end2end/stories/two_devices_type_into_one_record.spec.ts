// Whose text is the newer is told by what it was built on, whatever the clocks of the devices say.
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

const clocks = [
  ["is years behind", "2001-05-04T03:02:01Z"],
  ["is years ahead", "2049-05-04T03:02:01Z"],
] as const;

for (const [how, clock] of clocks) {
  test(`two devices typed without knowing of each other, and one's clock ${how}: both texts are shown`, async ({
    person,
    browser,
    contextOptions,
    baseURL,
  }) => {
    await person.page.clock.setFixedTime(clock);
    await person.hasOnlyThisDevice();
    const form = await person.opens("activities/2");
    await form.type("title", "Typed on the laptop");
    await form.isKeptOnThisDevice();

    const context = await browser.newContext({ ...contextOptions, baseURL });
    const phone = new Person(await context.newPage());
    await phone.signsIn();
    const there = await phone.opens("activities/2");
    await there.type("title", "Typed on the phone");
    await there.isKeptOnTheServer();
    await context.close();

    await person.reloads();
    await form.holds("title", "Typed on the phone");
    const beside = form.itself.locator("[data-beside]");
    await expect(beside).toHaveCount(1);
    await beside.locator("summary").click();
    await expect(beside).toContainText("Typed on the laptop");
    await beside.getByRole("button", { name: "Put it into the form" }).click();
    await form.holds("title", "Typed on the laptop");
    await beside.locator("summary").click();
    await expect(beside).toContainText("Typed on the phone");
  });

  test(`typed on after the server had it, on a device whose clock ${how}: the later text is in the form`, async ({ person }) => {
    const form = await person.opens("activities/2");
    await form.type("title", "Typed first");
    await form.isKeptOnTheServer();
    await person.page.clock.setFixedTime(clock);
    await person.hasOnlyThisDevice();
    await person.reloads();
    await form.holds("title", "Typed first");
    await form.type("title", "Typed later");
    await form.isKeptOnThisDevice();

    await person.reloads();
    await form.holds("title", "Typed later");
    await expect(form.itself.locator("[data-beside]")).toHaveCount(0);
    await form.save();
    await form.is("saved");
  });
}
