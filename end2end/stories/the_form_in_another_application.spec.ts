// `resilient-form` in an application that is not Inkfast: crates/resilient-form/examples/notes.
import { test as base, expect } from "@playwright/test";
import { Notes } from "../fixtures/notes.ts";
import { Person } from "../fixtures/person.ts";
import { RecordForm } from "../fixtures/record_form.ts";

const test = base.extend<{ notes: Notes; person: Person; form: RecordForm }>({
  notes: async ({}, use, info) => {
    const notes = await Notes.start();
    await use(notes);
    await notes.end();
    if (info.status !== info.expectedStatus) await info.attach("server log", { body: notes.log });
  },
  baseURL: async ({ notes }, use) => use(notes.url),
  person: async ({ page }, use) => use(new Person(page)),
  /** The first note's. */
  form: async ({ page, person }, use) => {
    await page.goto("/notes/1");
    await person.isHydrated();
    await use(new RecordForm(page));
  },
});

test("the server is killed while a note is typed and saved: reloaded and started again, it is saved once", async ({ notes, person, form }) => {
  await form.type("text", "Milk");
  await form.isKeptOnTheServer();
  await notes.kill();
  await form.type("text", "Milk and honey");
  await form.save();
  await form.is("queued");
  await person.isConnected(/offline/);
  await expect(person.toast(/Connection lost/)).toBeVisible();
  await expect(person.page.reload()).rejects.toThrow();
  // The browser's own error page comes after the refusal is told, and would break off what is opened until then.
  await expect(person.page).toHaveURL(/^chrome-error:/);

  await notes.startAgain();
  await person.page.goto("/notes/1");
  await person.isHydrated();
  await form.holds("text", "Milk and honey");
  await form.saysAllIsSaved();
  await person.isConnected(/online/);
  expect(await notes.saved(1)).toEqual({ text: "Milk and honey", times: 1 });
  await person.reloads();
  await form.is("clean");
});

test("the server comes back while the page is open: the save goes out by itself", async ({ notes, person, form }) => {
  await notes.kill();
  await form.type("text", "Milk");
  await form.save();
  await form.is("queued");
  // A server that is back sooner was not missed, and nobody is told that it is back.
  await person.isConnected(/offline/);
  await expect(person.toast(/Connection lost/)).toBeVisible();
  await notes.startAgain();
  await expect(person.toast(/Connection is back/)).toBeVisible();
  await form.saysAllIsSaved();
  await person.isConnected(/online/);
  expect(await notes.saved(1)).toEqual({ text: "Milk", times: 1 });
});

test("what was typed and not saved is there on another device", async ({ notes, browser, contextOptions, form }) => {
  await form.type("text", "Half a sentence");
  await form.isKeptOnTheServer();
  const elsewhere = await browser.newContext({ ...contextOptions, baseURL: notes.url });
  const other = new Person(await elsewhere.newPage());
  await other.page.goto("/notes/1");
  await other.isHydrated();
  const there = new RecordForm(other.page);
  await there.holds("text", "Half a sentence");
  await there.is("dirty");
  await there.save();
  await there.saysAllIsSaved();
  expect(await notes.saved(1)).toEqual({ text: "Half a sentence", times: 1 });
  await elsewhere.close();
});

test("somebody else changed the same field: both texts are shown, and the choice is saved", async ({ notes, browser, contextOptions, form }) => {
  const elsewhere = await browser.newContext({ ...contextOptions, baseURL: notes.url, javaScriptEnabled: false });
  const other = new RecordForm(await elsewhere.newPage());
  await other.page.goto("/notes/1");
  await other.field("text").fill("Theirs");
  await other.save();
  await form.type("text", "Mine");
  await form.save();
  await form.is("conflict");
  await expect(form.conflicts).toContainText("Theirs");
  expect(await notes.saved(1)).toEqual({ text: "Theirs", times: 1 });
  await form.conflicts.locator('[data-side="mine"]').click();
  await form.save();
  await form.saysAllIsSaved();
  expect(await notes.saved(1)).toEqual({ text: "Mine", times: 2 });
  await elsewhere.close();
});

test("text that this device has and cannot read stays there, and the form opens with the rest", async ({ page, person, form }) => {
  await form.type("text", "Milk");
  await form.isKeptOnThisDevice();
  const left = await page.evaluate(() => {
    const left = { "inkfast:1:draft:me:notes/1:old": '{"v":0}', "inkfast:1:draft:me:notes/1:odd": "<html>", "inkfast:1:outbox:me:x": "[]" };
    for (const [key, text] of Object.entries(left)) localStorage.setItem(key, text);
    return left;
  });
  await person.reloads();
  await form.holds("text", "Milk");
  expect(await page.evaluate(() => ({ ...localStorage }))).toMatchObject(left);
});

test.describe("where nothing may be stored", () => {
  test.beforeEach(({ page }) =>
    page.addInitScript(() => {
      const forbidden = () => {
        throw new DOMException("The operation is insecure.", "SecurityError");
      };
      for (const name of ["localStorage", "indexedDB"]) Object.defineProperty(window, name, { get: forbidden });
    }),
  );

  test("the page says so, the server keeps the draft, and a save is a save", async ({ notes, person, form }) => {
    await form.type("text", "Milk");
    await expect(person.toast(/Not protected on this device/)).toBeVisible();
    await expect(form.words).toHaveText(/kept on the server\. Not protected on this device/);
    await form.save();
    await form.saysAllIsSaved();
    expect(await notes.saved(1)).toEqual({ text: "Milk", times: 1 });
  });
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("it is a form that saves", async ({ notes, page }) => {
    await page.goto("/notes/1");
    const form = new RecordForm(page);
    await form.field("text").fill("Milk");
    await form.save();
    await form.is("saved");
    await form.holds("text", "Milk");
    await page.goBack();
    await form.save();
    expect(await notes.saved(1)).toEqual({ text: "Milk", times: 1 });
  });
});
