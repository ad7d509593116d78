// What a person waits for: how soon an edit page guards what is typed, and what a key costs once it does.
// Printed, never judged here: the numbers are of the machine as much as of the program.
import { type Browser, type Page, test } from "@playwright/test";
import { PostgreSQL } from "../fixtures/database.ts";
import { Inkfast } from "../fixtures/inkfast.ts";
import { Person } from "../fixtures/person.ts";
import { share } from "./quantiles.ts";

const loads = 40;
const recordedLoads = 20;
const restingFor = 1_000;
const keys = 1000;
const fields = 60;

interface Load {
  /** When the load event was over, in milliseconds after the page was asked for. */
  loaded: number;
  /** When `data-hydrated` was set. */
  hydrated: number;
  /** Tasks over 50 ms until then. */
  longTasks: Task[];
}

interface Task {
  /** In milliseconds after the page was asked for. */
  begun: number;
  took: number;
}

declare global {
  interface Window {
    measured: { hydrated: number; longTasks: Task[]; keys: { handled: number; worked: number; painted: number }[] };
  }
}

/** Runs before anything of the page does. */
function watch(): void {
  window.measured = { hydrated: 0, longTasks: [], keys: [] };
  const look = () => {
    if (!document.documentElement?.hasAttribute("data-hydrated")) return;
    window.measured.hydrated ||= performance.now();
    looking.disconnect();
  };
  const looking = new MutationObserver(look);
  looking.observe(document, { attributes: true, childList: true, subtree: true, attributeFilter: ["data-hydrated"] });
  const tell = (list: PerformanceObserverEntryList) => {
    for (const { startTime, duration } of list.getEntries()) window.measured.longTasks.push({ begun: startTime, took: duration });
  };
  new PerformanceObserver(tell).observe({ type: "longtask", buffered: true });
}

/**
 * For each key: how long the page's own listeners take; how long they and the frame after them take, without the wait for
 * the screen's next turn (up to 16.7 ms at 60 Hz, whatever the page does); and when that frame is done, with it.
 */
function watchKeys(): void {
  let begun = 0;
  addEventListener("keydown", () => (begun = performance.now()), true);
  addEventListener("input", () => {
    const handled = performance.now() - begun;
    // A message that is sent in a frame comes after it was painted.
    const frame = new MessageChannel();
    requestAnimationFrame((framed) => {
      const waited = Math.max(0, framed - begun - handled);
      frame.port1.onmessage = () => {
        const painted = performance.now() - begun;
        window.measured.keys.push({ handled, worked: painted - waited, painted });
      };
      frame.port2.postMessage(0);
    });
  });
}

async function load(page: Page, address: string): Promise<Load> {
  await page.goto(address, { waitUntil: "load" });
  await page.waitForFunction(() => window.measured.hydrated > 0 && performance.getEntriesByType("navigation").some((entry) => (entry as PerformanceNavigationTiming).loadEventEnd > 0));
  return page.evaluate(() => {
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    return { loaded: navigation!.loadEventEnd, hydrated: window.measured.hydrated, longTasks: window.measured.longTasks };
  });
}

/** An event of the browser's own record; times in microseconds. */
interface Recorded {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  dur?: number;
  /** Of `dur`, what the processor worked; the rest is waiting, for a core, a page of memory or another process. */
  tdur?: number;
  args?: { name?: string; beginData?: { url?: string } };
}

/**
 * How long the page's main thread works on a task at most, in milliseconds: how long it takes by the clock is the machine's
 * matter as well. Recording costs as much as it shows, so that no other time is taken of such a load.
 */
async function mostWorked(page: Page, address: string): Promise<number> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });
  await load(page, address);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: Recorded[] };
  // The browser has pages of its own.
  const own = traceEvents.find(({ name, args }) => name === "ParseHTML" && args?.beginData?.url?.endsWith(address))?.pid;
  const main = traceEvents.find(({ pid, name, args }) => pid === own && name === "thread_name" && args?.name === "CrRendererMain")?.tid;
  const worked = traceEvents
    .filter((event) => event.ph === "X" && event.name.endsWith("RunTask") && event.pid === own && event.tid === main)
    .map(({ tdur = 0 }) => tdur / 1000);
  if (worked.length === 0) throw new Error("the browser recorded no task of the page");
  return Math.max(...worked);
}

const line = (what: string, numbers: number[]): void => {
  const [median, p95, p99] = [0.5, 0.95, 0.99].map((part) => share(numbers, part).toFixed(1).padStart(8));
  console.log(`${what.padEnd(58)} n=${String(numbers.length).padEnd(4)} median ${median} ms  p95 ${p95} ms  p99 ${p99} ms`);
};

function tell(how: string, measured: Load[]): void {
  line(`${how}: from asked for to loaded`, measured.map(({ loaded }) => loaded));
  line(`${how}: from asked for to hydrated`, measured.map(({ hydrated }) => hydrated));
  line(`${how}: hydrated after loaded`, measured.map(({ loaded, hydrated }) => Math.max(0, hydrated - loaded)));
  const long = measured.flatMap(({ longTasks }) => longTasks.map(({ begun, took }) => `${took.toFixed(0)} ms at ${begun.toFixed(0)} ms`));
  console.log(`${how}: tasks over 50 ms by the clock: ${long.length} in ${measured.length} loads${long.map((task) => `; ${task}`).join("")}`);
}

/** A browser that was never here, signed in. */
async function stranger(browser: Browser, baseURL: string): Promise<Page> {
  const context = await browser.newContext({ baseURL });
  const page = await context.newPage();
  // The sign-in page would bring the script and the module into the cache.
  await page.request.post("/login", { form: { username: "admin", password: "correct horse battery staple" }, headers: { origin: baseURL } });
  await page.addInitScript(watch);
  // A browser that was given a new profile a moment ago has work of its own, on the same cores.
  await page.waitForTimeout(restingFor);
  return page;
}

test("an edit page is hydrated", async ({ browser }) => {
  test.setTimeout(600_000);
  const inkfast = await Inkfast.start(undefined);
  try {
    const cold: Load[] = [];
    for (let count = 0; count < loads; count += 1) {
      const page = await stranger(browser, inkfast.url);
      cold.push(await load(page, "/records/activities/1"));
      await page.context().close();
    }
    tell("edit page, nothing cached", cold);
    const worked: number[] = [];
    for (let count = 0; count < recordedLoads; count += 1) {
      const page = await stranger(browser, inkfast.url);
      worked.push(await mostWorked(page, "/records/activities/1"));
      await page.context().close();
    }
    line("edit page, nothing cached: work of the longest task", worked);
    const page = await stranger(browser, inkfast.url);
    await load(page, "/records/activities/1");
    const warm: Load[] = [];
    for (let count = 0; count < loads; count += 1) warm.push(await load(page, `/records/activities/${(count % 20) + 1}`));
    tell("edit page, as the next of a day", warm);
  } finally {
    await inkfast.end();
  }
});

test("a key is typed into a form of sixty fields", async ({ browser }) => {
  test.setTimeout(600_000);
  const postgresql = await PostgreSQL.start();
  const database = await postgresql.create();
  const columns = Array.from({ length: fields }, (_, at) => `field_${at} text NOT NULL DEFAULT 'as it was'`);
  await database.execute(`CREATE TABLE wide (id bigint PRIMARY KEY, ${columns.join(", ")})`);
  await database.execute("INSERT INTO wide (id) VALUES (1)");
  const inkfast = await Inkfast.start(database.url);
  try {
    const page = await stranger(browser, inkfast.url);
    await page.addInitScript(watchKeys);
    const form = await new Person(page).opens("wide/1");
    for (let at = 0; at < keys; at += 1) {
      if (at % 25 === 0) await form.field(`field_${((at / 25) * 7) % fields}`).focus();
      await page.keyboard.press("abcdefghijklmnopqrstuvwxy"[at % 25]!);
    }
    await form.isKeptOnTheServer();
    const measured = await page.evaluate(() => window.measured.keys);
    line(`${fields} fields: from a key to the end of its listeners`, measured.map(({ handled }) => handled));
    line(`${fields} fields: listeners and their frame`, measured.map(({ worked }) => worked));
    line(`${fields} fields: from a key to its frame painted`, measured.map(({ painted }) => painted));
  } finally {
    await inkfast.end();
    await database.end();
    await postgresql.end();
  }
});
