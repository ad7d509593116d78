// A browser whose storage is full, or forbidden.
import { ends } from "../fixtures/device.ts";
import type { Person } from "../fixtures/person.ts";
import { expect, test } from "../fixtures/story.ts";
import { draftsOn, wouldBeAsked } from "../fixtures/watching.ts";

const longer = `Typed when it was full ${"x".repeat(100)}`;

/** Fills one store to the last byte. The other may have most of the disk, so it says what it says where that is full. */
async function isFull(person: Person): Promise<void> {
  const { page } = person;
  await page.evaluate(() => {
    for (let size = 1 << 20; size >= 1; size >>= 1) {
      for (let count = 0; ; count += 1) {
        try {
          localStorage.setItem(`filler ${size} ${count}`, "x".repeat(size));
        } catch {
          break;
        }
      }
    }
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("no room", "QuotaExceededError");
    };
  });
}

test("the device's storage is full: the earlier text stays there, the page says so, and the server has the newer one", async ({ person }) => {
  const form = await person.opens("activities/1");
  await form.type("title", "Kept before it was full");
  await form.isKeptOnTheServer();
  await isFull(person);

  // At once: a short part of it might still have fitted.
  await form.field("title").fill(longer);
  // It closes by itself.
  await expect(person.toast(/Not protected on this device: its storage is full, forbidden or locked/)).toBeVisible();
  await expect(form.words).toHaveText("Unsaved changes, kept on the server. Not protected on this device");
  const drafts = await draftsOn(person.page);
  expect(drafts.length).toBeGreaterThan(0);
  for (const [, draft] of drafts) expect(draft).toContain("Kept before it was full");

  await person.reloads();
  await form.holds("title", longer);
});

test("full, and the server takes nothing either: leaving asks, and what was kept before is there after a crash", async ({ person }) => {
  await person.hasOnlyThisDevice();
  const form = await person.opens("activities/1");
  await form.type("title", "Kept before it was full");
  await form.isKeptOnThisDevice();
  expect(await wouldBeAsked(person.page)).toBe(false);
  await isFull(person);
  // At once: a short part of it might still have fitted.
  await form.field("title").fill(longer);
  await expect(form.words).toHaveText("Unsaved changes. Not protected on this device");
  expect(await wouldBeAsked(person.page)).toBe(true);

  const context = person.page.context();
  await ends(person.page);
  const next = await context.newPage();
  await next.goto("/records/activities/1");
  await expect(next.locator('[name="v.title"]')).toHaveValue("Kept before it was full");
});

test("storage is forbidden: the page says so, the server has the text, and it is saved", async ({ person, database }) => {
  await person.page.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
      Object.defineProperty(window, name, {
        get() {
          throw new DOMException("forbidden", "SecurityError");
        },
      });
    }
  });
  const form = await person.opens("activities/1");
  await form.type("title", "Typed where nothing may be kept");
  await expect(person.toast(/Not protected on this device/)).toBeVisible();
  await expect(form.words).toHaveText("Unsaved changes, kept on the server. Not protected on this device");
  expect(await wouldBeAsked(person.page)).toBe(false);
  await person.reloads();
  await form.holds("title", "Typed where nothing may be kept");
  await form.save();
  await form.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Typed where nothing may be kept" });
});
