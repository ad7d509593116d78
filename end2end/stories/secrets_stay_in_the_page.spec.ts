import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/story.ts";
import { entriesOf } from "../fixtures/device.ts";
import { isPress } from "../fixtures/watching.ts";

test.use({
  withRedis: true,
  moreSchema: `
    CREATE TABLE gates (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, api_token text, card_number text);
    INSERT INTO gates (name) VALUES ('North gate');`,
});

const canary = "canary-5a17c0de";

/** All that leaves this page from the next load on but presses of Save, which are to carry the secret. */
async function sentBy(page: Page): Promise<string[]> {
  const sent: string[] = [];
  page.on("request", (request) => {
    if (!isPress(request)) sent.push(`${request.url()} ${request.postData() ?? ""}`);
  });
  // What is in a blob is not told with the request, and nobody listens to a page that goes away: it notes that in its tab.
  await page.addInitScript(() => {
    const texts = new WeakMap<Blob, string>();
    const Real = Blob;
    window.Blob = class extends Real {
      constructor(parts: BlobPart[] = [], options?: BlobPropertyBag) {
        super(parts, options);
        texts.set(this, parts.map(String).join(""));
      }
    };
    const send = navigator.sendBeacon.bind(navigator);
    navigator.sendBeacon = (url, body) => {
      const text = body instanceof Real ? (texts.get(body) ?? "a blob of unknown text") : String(body);
      sessionStorage.setItem("beacons", `${sessionStorage.getItem("beacons") ?? ""}beacon ${url} ${text}\n`);
      return send(url, body);
    };
  });
  return sent;
}

test("a typed secret is on no device, in no draft, log or message, and after a reload the page says what to type again", async ({
  person,
  inkfast,
  database,
  redis,
}) => {
  const { page } = person;
  const sent = await sentBy(page);
  const said: string[] = [];
  const listens = async () => said.push(...(await page.locator("[data-toast], [data-form-messages], [data-save-words]").allTextContents()));
  const form = await person.opens("gates/1");
  await form.type("api_token", `${canary}-token`);
  await form.type("card_number", `${canary}-card`);
  await form.type("name", "North gate, repainted");
  await expect(form.words).toHaveText("Unsaved changes, kept on this device and the server. Secrets are kept in this page only");
  await expect.poll(() => redis.accountsWithDrafts()).toBe(1);
  await listens();
  expect(JSON.stringify(await entriesOf(page))).not.toContain(canary);

  // Waiting for its database, the press is on the device as well.
  await database.way.set({ kind: "cut" });
  await form.save();
  await form.is("queued");
  await expect(form.words).toContainText("Kept in this page only: it has a secret");
  await listens();
  const entries = await entriesOf(page);
  expect(entries.filter(([key]) => key.startsWith("inkfast:1:outbox:"))).not.toEqual([]);
  expect(JSON.stringify(entries)).not.toContain(canary);
  await database.way.set({ kind: "pass" });
  await form.is("saved");
  const row = await database.row("SELECT name, api_token, card_number FROM gates WHERE id = 1");
  expect(row).toEqual({ name: "North gate, repainted", api_token: `${canary}-token`, card_number: `${canary}-card` });

  await form.type("card_number", `${canary}-other`);
  await form.type("name", "North gate, repainted twice");
  await form.isKeptOnTheServer();
  page.on("dialog", (asked) => asked.accept());
  await person.reloads();
  await form.holds("name", "North gate, repainted twice");
  await form.holds("card_number", "");
  await expect(form.itself.locator("[data-type-again]")).toHaveText("Never kept, to be typed again: Card number");
  await listens();
  // Left at once: the draft goes as the page does, and by nothing else.
  await page.route("**/api/drafts/**", (route) => (route.request().method() === "POST" ? route.abort() : route.continue()));
  await form.field("name").fill("North gate, repainted three times");
  await person.reloads();
  await page.unroute("**/api/drafts/**");
  await form.holds("name", "North gate, repainted three times");
  await expect(form.itself.locator("[data-type-again]")).toHaveText("Never kept, to be typed again: Card number");
  await form.type("card_number", `${canary}-again`);
  await form.save();
  await form.is("saved");
  await expect(form.itself.locator("[data-type-again]")).toHaveCount(0);
  expect(await database.row("SELECT card_number FROM gates WHERE id = 1")).toEqual({ card_number: `${canary}-again` });

  expect(JSON.stringify(await entriesOf(page))).not.toContain(canary);
  sent.push(...(await page.evaluate(() => sessionStorage.getItem("beacons") ?? "")).split("\n"));
  const drafts = sent.filter((request) => request.includes("/api/drafts/") && request.includes("repainted"));
  expect(drafts.filter((request) => !request.startsWith("beacon")), "drafts were sent").not.toEqual([]);
  expect(drafts.filter((request) => request.startsWith("beacon")), "drafts were sent while the page went away").not.toEqual([]);
  expect(sent.join("\n")).not.toContain("unknown text");
  expect(sent.filter((request) => request.includes(canary))).toEqual([]);
  expect(said.join("\n")).not.toContain(canary);
  expect(inkfast.log).not.toContain(canary);
});
