import { setTimeout as pause } from "node:timers/promises";
import type { BrowserContext, Page } from "@playwright/test";
import { KillableBrowser } from "../fixtures/killable_browser.ts";
import { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";

/** Types counted words until told to stop; each is noted with the moment it stood in the field. */
class Typist {
  readonly words: { word: string; at: number }[] = [];
  private stopped = false;

  constructor(private readonly page: Page) {}

  /** Ends by itself when the browser is gone. */
  async types(): Promise<void> {
    for (let n = 0; !this.stopped; n += 1) {
      const word = `w${n} `;
      const typed = await this.page.keyboard.insertText(word).then(() => true, () => false);
      if (!typed) return;
      this.words.push({ word, at: Date.now() });
      // Quicker than anybody types, and not as quick as the browser draws: else it would do nothing else.
      await pause(20);
    }
  }

  stops(): void {
    this.stopped = true;
  }

  typedBefore(moment: number): string {
    return this.words.filter(({ at }) => at < moment).map(({ word }) => word).join("");
  }
}

/** A draft may be on its way as the browser is killed: then there is nobody left to refuse it. */
const keepsDraftsFromTheServer = (context: BrowserContext) =>
  context.route("**/api/drafts/**", (route) => route.abort().catch(() => {}));

test("the browser is killed while typing: at most one second of text is lost", async ({ inkfast }) => {
  const browser = await KillableBrowser.withNewProfile(inkfast.url);
  try {
    const context = await browser.open();
    // Nothing but this device may bring the text back.
    await keepsDraftsFromTheServer(context);
    const person = new Person(context.pages()[0]!);
    await person.signsIn();
    const form = await person.opens("activities/1");
    await form.field("notes").focus();
    await form.field("notes").press("ControlOrMeta+a");

    const typist = new Typist(person.page);
    const typing = typist.types();
    await expect.poll(() => typist.words.length > 0 && Date.now() - typist.words[0]!.at, { timeout: 20_000 }).toBeGreaterThan(3_000);
    const killed = Date.now();
    await browser.kill();
    typist.stops();
    await typing;

    const again = await browser.open();
    await keepsDraftsFromTheServer(again);
    const back = new Person(again.pages()[0]!);
    await back.signsIn();
    const restored = await back.opens("activities/1");
    await restored.is("dirty");
    const text = await restored.field("notes").inputValue();
    const allTyped = typist.words.map(({ word }) => word).join("");
    expect(text.length, "some text is there").toBeGreaterThan(0);
    expect(allTyped.startsWith(text) || text.startsWith(allTyped), "and it is what was typed").toBe(true);
    expect(text.length, "all of it but the last second").toBeGreaterThanOrEqual(typist.typedBefore(killed - 1_000).length);
  } finally {
    await browser.end();
  }
});
