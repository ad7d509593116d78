// Loads the module and starts the islands. `data-hydrated` on <html> says that they run; on a page with a form
// the form's own island says so, once it has taken over what was typed. Until then, and where the module never
// comes, the page is plain HTML that works.
const { js, wasm, sealed } = document.querySelector("script[data-inkfast-loader]").dataset;
const timeLimit = 20_000;
const longestPause = 60_000;
let script;

const pause = (ms) => new Promise((over) => setTimeout(over, ms));

const inTime = (promise) =>
  Promise.race([promise, pause(timeLimit).then(() => Promise.reject(new Error(`no answer within ${timeLimit} ms`)))]);

// A failed import is remembered by the browser for its address: each further try has one of its own.
async function load(attempt) {
  const cache = attempt ? "reload" : "default";
  const fetched = fetch(wasm, { cache, signal: AbortSignal.timeout(timeLimit) });
  // Both are on their way at once; what becomes of this one is heard below.
  fetched.catch(() => {});
  script ??= await inTime(import(attempt ? `${js}?${attempt}` : js));
  const answer = await fetched;
  if (!answer.ok) throw new Error(`the module's answer is ${answer.status}`);
  // A proxy's own page, answered with 200, is no module: that passes, and is waited for like any outage.
  const type = answer.headers.get("content-type");
  if (!type?.startsWith("application/wasm")) throw new Error(`the module's answer is of the type ${type}`);
  await script.default({ module_or_path: answer });
  // What this device keeps is sealed, and the form reads it at once.
  if (sealed) await inTime(import(attempt ? `${sealed}?${attempt}` : sealed));
  await globalThis.resilientSeal?.ready;
  script.begin();
}

// A module that this browser cannot compile does not get better by asking.
const isFinal = (failure) => failure instanceof WebAssembly.CompileError || failure instanceof WebAssembly.LinkError;

async function loadUntilItRuns() {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await load(attempt);
    } catch (failure) {
      if (attempt > 1 && isFinal(failure)) throw failure;
      console.warn("The islands wait:", failure);
      await pause(Math.min(1_000 * 2 ** attempt, longestPause));
    }
  }
}

// One that fails is marked and stops no other. Leptos draws an island's name, an underscore and a number.
function start(island) {
  const name = island.dataset.component.replace(/_\d+$/, "");
  try {
    script[name](island);
    return true;
  } catch (failure) {
    island.dataset.failed = "";
    console.error(`The island ${name} does not run:`, failure);
    return false;
  }
}

const idle = () =>
  new Promise((over) => (window.requestIdleCallback ? requestIdleCallback(over, { timeout: 50 }) : setTimeout(over)));

try {
  await loadUntilItRuns();
  const islands = [...document.querySelectorAll("leptos-island")];
  const isForm = (island) => island.dataset.component.startsWith("ResilientForm");
  // The form at once: until it runs, what is typed is only recorded.
  let allRun = islands.filter(isForm).map(start).every(Boolean);
  for (const island of islands.filter((island) => !isForm(island))) {
    // What the person does goes before the next island.
    await idle();
    allRun = start(island) && allRun;
  }
  if (allRun && !document.querySelector("form[data-resilient-form]:not([data-enhanced])")) {
    document.documentElement.setAttribute("data-hydrated", "");
  }
} catch (failure) {
  console.error("The islands do not run:", failure);
}
