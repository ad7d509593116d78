// What is lost when a browser is killed while somebody types: `cargo xtask bench killed-browser`.
// Text that comes back otherwise than it was typed fails; how much is lost is printed.
import { expect, test } from "@playwright/test";
import { setTimeout as pause } from "node:timers/promises";
import { PostgreSQL } from "../fixtures/database.ts";
import { Inkfast } from "../fixtures/inkfast.ts";
import { KillableBrowser } from "../fixtures/killable_browser.ts";
import { Person } from "../fixtures/person.ts";
import { share } from "./quantiles.ts";

const runs = Number(process.env["INKFAST_KILLS"] ?? 100);
const seed = Number(process.env["INKFAST_SEED"] ?? 20_261_127);
/** Eight characters a second. */
const between = 125;
/** How long somebody types before the browser dies, in milliseconds. */
const shortest = 1_500;
const longest = 5_000;
/** Records that are there without these; the ones used have text, so that there is something to type over. */
const planned = 43;

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function* drawn(state: number): Generator<number, never> {
  for (;;) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    yield ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

interface Key {
  character: string;
  /** When it stood in the field. */
  at: number;
}

/** Types until the browser is gone, a key each `between` milliseconds whatever one takes. */
async function types(person: Person, keys: Key[]): Promise<void> {
  const begun = Date.now();
  for (let n = 0; ; n += 1) {
    await pause(Math.max(0, begun + n * between - Date.now()));
    const character = String.fromCharCode(97 + (n % 26));
    if (!(await person.page.keyboard.press(character).then(() => true, () => false))) return;
    keys.push({ character, at: Date.now() });
  }
}

/** How old the oldest lost character was when the browser died, in milliseconds; 0 where none is lost. */
async function lost(inkfast: Inkfast, activity: number, typing: number, offline: boolean): Promise<number> {
  const record = `activities/${activity}`;
  const browser = await KillableBrowser.withNewProfile(inkfast.url);
  try {
    const person = new Person((await browser.open()).pages()[0]!);
    await person.signsIn();
    const form = await person.opens(record);
    const before = await form.field("notes").inputValue();
    await form.field("notes").focus();
    await form.field("notes").press("ControlOrMeta+a");
    if (offline) await inkfast.way.set({ kind: "cut" });
    const keys: Key[] = [];
    const typist = types(person, keys);
    await pause(typing);
    const killed = Date.now();
    await browser.kill();
    await typist;
    await inkfast.way.set({ kind: "pass" });

    const back = new Person((await browser.open()).pages()[0]!);
    await back.signsIn();
    const restored = await (await back.opens(record)).field("notes").inputValue();
    const typed = keys.map(({ character }) => character).join("");
    const kept = restored === before ? "" : restored;
    // A last key may stand in the field, and nobody was told so any more.
    expect(typed.startsWith(kept) || kept.startsWith(typed), `what stands there is what was typed: ${restored}`).toBe(true);
    const first = keys[kept.length];
    return first === undefined ? 0 : Math.max(0, killed - first.at);
  } finally {
    await inkfast.way.set({ kind: "pass" });
    await browser.end();
  }
}

test("a browser is killed while somebody types", async () => {
  test.setTimeout(runs * 60_000);
  const postgresql = await PostgreSQL.start();
  const database = await postgresql.create();
  await database.execute(`INSERT INTO activities (title, notes) SELECT 'Activity ' || n, 'as it was' FROM generate_series(1, ${runs}) n`);
  const inkfast = await Inkfast.start(database.url, true);
  const random = drawn(seed);
  const measured = { online: [] as number[], offline: [] as number[] };
  try {
    for (let run = 0; run < runs; run += 1) {
      const offline = run % 2 === 1;
      const typing = shortest + random.next().value * (longest - shortest);
      measured[offline ? "offline" : "online"].push(await lost(inkfast, planned + run + 1, typing, offline));
    }
  } finally {
    await inkfast.end();
    await database.end();
    await postgresql.end();
  }
  console.log(`the browser killed while 8 characters a second are typed, seed ${seed}; what is lost was typed so many milliseconds before:`);
  for (const [network, losses] of Object.entries(measured)) {
    const [median, p95, worst] = [0.5, 0.95, 1].map((part) => share(losses, part).toFixed(0).padStart(5));
    const over = losses.filter((loss) => loss > 1_000).length;
    console.log(`${network.padEnd(8)} n=${losses.length}  median ${median} ms  p95 ${p95} ms  most ${worst} ms  over 1 s: ${over}`);
  }
  console.log("WordPress keeps a copy in the browser every 15 s and on the server every 60 s; Wagtail 0.5 s after typing, on the server only.");
});
