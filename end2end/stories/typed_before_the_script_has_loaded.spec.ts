import { browserModule, holdsTheModule } from "../fixtures/network.ts";
import { expect, test } from "../fixtures/story.ts";

test("typed before WASM has loaded: text, caret and focus stay, and it is recorded", async ({ person }) => {
  const { page } = person;
  const arrive = await holdsTheModule(page);

  const form = await person.opensWithoutWaiting("activities/1");
  const notes = form.field("notes");
  await notes.click();
  await notes.press("ControlOrMeta+a");
  await notes.pressSequentially("Typed early, then the caret moved");
  await notes.press("Home");
  for (let step = 0; step < 5; step += 1) await notes.press("ArrowRight");
  await expect(page.locator("html")).not.toHaveAttribute("data-hydrated");
  const early = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("inkfast:1:early:")));
  await expect.poll(early).toHaveLength(1);

  arrive();
  await person.isHydrated();
  await form.is("dirty");
  await form.holds("notes", "Typed early, then the caret moved");
  await expect(notes).toBeFocused();
  expect(await notes.evaluate((field: HTMLTextAreaElement) => [field.selectionStart, field.selectionEnd])).toEqual([5, 5]);
  await page.keyboard.insertText("!");
  await form.holds("notes", "Typed! early, then the caret moved");
  await form.isKeptOnThisDevice();

  await page.unroute(browserModule);
  await person.reloads();
  await form.holds("notes", "Typed! early, then the caret moved");
});

test("typed and reloaded before WASM ever loaded: the text is there", async ({ person }) => {
  await person.page.route(browserModule, (route) => route.abort());
  const form = await person.opensWithoutWaiting("activities/1");
  await form.type("title", "Recorded early");
  await expect.poll(() => person.page.evaluate(() => JSON.stringify(localStorage))).toContain("Recorded early");
  await person.page.unroute(browserModule);
  await person.reloads();
  await form.holds("title", "Recorded early");
  await form.is("dirty");
});
