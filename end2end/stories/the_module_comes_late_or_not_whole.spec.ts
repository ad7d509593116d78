import { browserModule } from "../fixtures/network.ts";
import { expect, test } from "../fixtures/story.ts";

const script = /\/pkg\/inkfast[^/]*\.js(\?.*)?$/;

test("the script's first fetch fails: the next one has an address of its own, and the form is guarded", async ({ person }) => {
  const asked: string[] = [];
  await person.page.route(script, async (route) => {
    asked.push(new URL(route.request().url()).search);
    // The preload and the import may be one request or two; both have the plain address.
    if (asked.at(-1) === "") await route.abort();
    else await route.continue();
  });
  const form = await person.opensWithoutWaiting("activities/1");
  await form.type("title", "Typed while the script was away");
  await person.isHydrated();
  expect(asked.at(-1)).toBe("?1");
  await form.is("dirty");
  await form.holds("title", "Typed while the script was away");
  await form.isKeptOnThisDevice();
});

test("the module's first fetch breaks off: the second try starts the islands", async ({ person }) => {
  let fetched = 0;
  await person.page.route(browserModule, async (route) => {
    fetched += 1;
    if (fetched > 1) return route.continue();
    const whole = await (await route.fetch()).body();
    await route.fulfill({ contentType: "application/wasm", body: whole.subarray(0, whole.length / 2) });
  });
  const form = await person.opensWithoutWaiting("activities/1");
  await person.isHydrated();
  expect(fetched).toBe(2);
  await form.type("title", "Guarded after all");
  await form.isKeptOnThisDevice();
});

test("an island that the module does not have leaves the others running", async ({ person, database }) => {
  await person.page.route(/\/records\/activities\/1$/, async (route) => {
    if (route.request().method() !== "GET") return route.continue();
    const answer = await route.fetch();
    const drawn = await answer.text();
    const missing = drawn.replace(/data-component="ConnectionStatus_/, 'data-component="NoSuchIsland_');
    expect(missing).not.toBe(drawn);
    await route.fulfill({ response: answer, body: missing });
  });
  const form = await person.opensWithoutWaiting("activities/1");
  await person.isHydrated();
  await expect(person.page.locator("leptos-island[data-failed]")).toHaveAttribute("data-component", /^NoSuchIsland_/);
  await form.type("title", "Saved beside a missing island");
  await form.isKeptOnThisDevice();
  await form.save();
  await form.is("saved");
  expect(await database.row("SELECT title FROM activities WHERE id = 1")).toEqual({ title: "Saved beside a missing island" });
});

test("each part of the module is fetched once", async ({ person }) => {
  // The page after signing in fetches them, too.
  await person.isHydrated();
  const fetched: string[] = [];
  person.page.on("request", (request) => {
    if (request.url().includes("/pkg/")) fetched.push(new URL(request.url()).pathname);
  });
  await person.opens("activities/1");
  expect(fetched.toSorted()).toEqual([...new Set(fetched)].toSorted());
  expect(fetched.filter((path) => path.endsWith(".wasm"))).toHaveLength(1);
});
