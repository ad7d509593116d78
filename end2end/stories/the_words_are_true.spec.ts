// What stands beside Save is so: in each state it is held against the database, this device and the server's drafts.
import type { APIRequestContext } from "@playwright/test";
import type { Database } from "../fixtures/database.ts";
import { keepsNothing, textOnDevice } from "../fixtures/device.ts";
import type { Person } from "../fixtures/person.ts";
import type { RecordForm, State } from "../fixtures/record_form.ts";
import { expect, test } from "../fixtures/story.ts";

test.use({ behindAWay: true });

interface Witnesses {
  database: Database;
  /** The same account, whoever is signed in in the browser. */
  account: APIRequestContext;
}

/** Where the title that is in the form lies now. */
async function whereItIs(person: Person, form: RecordForm, { database, account }: Witnesses) {
  const title = await form.field("title").inputValue();
  const row = await database.row<{ title: string }>("SELECT title FROM activities WHERE id = 1");
  const draft = await account.get("/api/drafts/activities/1", { timeout: 3_000 }).catch(() => undefined);
  return {
    saved: row.title === title,
    device: (await textOnDevice(person.page).catch(() => "")).includes(JSON.stringify(title)),
    server: draft?.ok() === true && (await draft.text()).includes(JSON.stringify(title)),
  };
}

/** What words claim. */
const claimed = (words: string) => ({
  saved: /All changes saved/.test(words),
  device: /kept on this device/i.test(words),
  server: /kept on (this device and )?the server/i.test(words),
});

test("the words beside Save are true in every state, and no two states have the same", async ({
  person,
  colleague,
  inkfast,
  database,
  playwright,
}) => {
  test.slow();
  const storageState = await person.page.context().storageState();
  const witnesses = { database, account: await playwright.request.newContext({ baseURL: inkfast.url, storageState }) };
  const form = await person.opens("activities/1");
  const said = new Map<State, string>();

  /** The form is in this state with these words, and what they claim is so. */
  const isTrue = async (state: State, words: RegExp) => {
    await form.is(state);
    await expect(form.words).toHaveText(words);
    const text = (await form.words.textContent())!;
    said.set(state, text);
    const [claim, fact] = [claimed(text), await whereItIs(person, form, witnesses)];
    for (const place of ["saved", "device", "server"] as const) {
      if (claim[place]) expect(fact[place], `"${text}": ${place}`).toBe(true);
    }
    if (!claim.saved) expect(fact.saved, `"${text}", and it is saved`).toBe(false);
  };

  await isTrue("clean", /^All changes saved$/);

  await person.page.route("**/api/drafts/**", (route) => route.abort());
  await form.type("title", "Kept here");
  await isTrue("dirty", /^Unsaved changes, kept on this device$/);
  await person.page.unroute("**/api/drafts/**");
  await isTrue("dirty", /^Unsaved changes, kept on this device and the server$/);

  await inkfast.way.set({ kind: "freeze" });
  await form.save();
  await isTrue("saving", /^Saving…$/);
  await inkfast.way.set({ kind: "cut" });
  await isTrue("queued", /^Queued: will be saved when the server can be reached$/);
  await form.type("title", "Newer than what is queued");
  await isTrue("queued", /^Queued: .*\. Newer text: Unsaved changes, kept on this device$/);
  await inkfast.way.set({ kind: "pass" });
  await isTrue("dirty", /^Unsaved changes, kept on this device and the server$/);
  expect(await database.audited("update", "activities")).toBe(1);
  await form.save();
  await isTrue("saved", /^All changes saved$/);

  await form.type("title", "Mine");
  const hers = await colleague.opens("activities/1");
  await hers.type("title", "Hers");
  await hers.save();
  await hers.is("saved");
  await form.save();
  await isTrue("conflict", /^Conflict: choose for each marked field\. Unsaved changes/);
  await form.conflicts.getByRole("radio", { name: /^Mine/ }).check();
  await form.field("title").fill("x".repeat(201));
  await form.save();
  await isTrue("invalid", /^Not saved: see the marked fields\. Unsaved changes, kept on this device/);

  await form.type("title", "Typed when nobody was signed in");
  await person.page.context().clearCookies();
  await form.save();
  await isTrue("signed-out", /^Signed out\. Unsaved changes, kept on this device/);
  expect(new Set([...said.values()]).size).toBe(said.size - 1);
  expect(said.get("saved")).toBe(said.get("clean"));
  await witnesses.account.dispose();
});

test("where this device keeps nothing the words claim only what the server has", async ({ person, inkfast, database }) => {
  await keepsNothing(person.page);
  const form = await person.opens("activities/1");
  await form.type("title", "On the server alone");
  await expect(form.words).toHaveText("Unsaved changes, kept on the server. Not protected on this device");
  expect((await whereItIs(person, form, { database, account: person.page.context().request })).server).toBe(true);
  await inkfast.way.set({ kind: "cut" });
  await form.type("title", "Nowhere but here");
  await expect(form.words).toHaveText("Unsaved changes. Not protected on this device");
  await form.save();
  await expect(form.words).toContainText("Queued: will be saved when the server can be reached. Not protected on this device");
});
