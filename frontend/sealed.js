// Seals what this browser keeps of what is typed, where the server says so (`local_drafts`): `resilientSeal`, which the
// form asks. Stands behind the script that carries `device-cipher`, whose `seal` and `open` it calls.
//
// The key is the account's, and the server's to hand out. Here it lives as long as the tab, and never in the page, in a
// file or in what a worker keeps.

const tabsWithin = 200;
const serverWithin = 2_000;
const readyWithin = 2_500;
const longestPause = 5_000;

const { account } = document.body.dataset;
const place = `inkfast:1:key:${account}`;
/** Hexadecimal, as the server tells them; the first one seals. */
let told = [];
let keys = [];
let hasCipher = false;
const isOpen = () => hasCipher && keys.length > 0;

const pause = (ms) => new Promise((over) => setTimeout(over, ms));
const bytes = (hex) => Uint8Array.from(hex.match(/../g), (two) => Number.parseInt(two, 16));

/** Storage that is forbidden keeps nothing; then the key lives as long as the page. */
function inSession(work) {
  try {
    return work(sessionStorage);
  } catch {
    return undefined;
  }
}

function take(hex) {
  told = hex;
  keys = hex.map(bytes);
  inSession((session) => session.setItem(place, JSON.stringify(hex)));
}

function forget() {
  told = [];
  keys = [];
  inSession((session) => session.removeItem(place));
}

let heard = () => {};
/** Absent in old browsers: then each tab asks the server. */
const tabs = globalThis.BroadcastChannel && new BroadcastChannel("inkfast:1:keys");

function listenToTabs() {
  if (!tabs) return;
  tabs.onmessage = ({ data }) => {
    if (data.account !== account) return;
    if (data.keys) heard(data.keys);
    else if (told.length) tabs.postMessage({ account, keys: told });
  };
}

function fromTabs() {
  tabs?.postMessage({ account });
  return Promise.race([new Promise((answered) => (heard = answered)), pause(tabs ? tabsWithin : 0)]);
}

/** Why there is no key, in words. */
let locked = "";

async function fromServer() {
  locked = "Locked until the server tells the key";
  const answer = await fetch(`/api/session/draft-key?account=${encodeURIComponent(account)}`, {
    method: "POST",
    redirect: "manual",
    signal: AbortSignal.timeout(serverWithin),
  });
  if (answer.status === 401) locked = "Locked until you sign in";
  if (!answer.ok) throw new Error(`asked for the key, the server answers ${answer.status}`);
  return (await answer.json()).keys;
}

async function obtain() {
  const kept = inSession((session) => JSON.parse(session.getItem(place)));
  take(kept ?? (await fromTabs()) ?? (await fromServer()));
}

/** What was typed before this script was here goes where it outlives the tab. */
function takeEarly() {
  inSession((session) => {
    for (const name of Object.keys(session).filter((name) => name.startsWith(`inkfast:1:early:${account}:`))) {
      localStorage.setItem(name, resilientSeal.seal(name, session.getItem(name)));
      session.removeItem(name);
    }
  });
}

const isOwn = (name) => ["draft", "outbox"].some((kind) => name.startsWith(`inkfast:1:${kind}:${account}:`));
const isSealed = (name) => isOwn(name) && localStorage.getItem(name).startsWith("s1.");

function hasSealed() {
  try {
    return Object.keys(localStorage).some(isSealed);
  } catch {
    return false;
  }
}

/** Changed since, or sealed with a secret that the server has no more. */
function sayWhatDoesNotOpen() {
  const doesNot = (name) => resilientSeal.open(name, localStorage.getItem(name)) === undefined;
  if (!hasSealed() || !Object.keys(localStorage).some((name) => isSealed(name) && doesNot(name))) return;
  say("Some text on this device cannot be opened", "It was changed since, or sealed with a secret that the server no longer has. It stays where it is.");
}

function say(heading, words) {
  let notice = document.querySelector("[data-locked]");
  if (!notice) {
    const notices = document.createElement("div");
    notices.className = "notices";
    notices.innerHTML =
      '<div class="notice notice-waiting" role="status" data-locked=""><div class="notice-body"><p class="notice-heading"></p><p></p></div></div>';
    document.querySelector("main")?.prepend(notices);
    notice = notices.firstChild;
  }
  const [first, second] = notice.querySelectorAll("p");
  if (first.textContent !== heading) first.textContent = heading;
  if (second.textContent !== words) second.textContent = words;
}

async function loadCipher() {
  await __wbg_init({ module_or_path: document.querySelector("script[data-sealed-script]").dataset.wasm });
  hasCipher = true;
}

const openUp = () => Promise.all([hasCipher || loadCipher(), keys.length || obtain()]);

let isTrying = false;

/** Until there is a key. What lies here stays as it is, and what is typed now is kept by the server alone. */
async function keepTrying() {
  if (isTrying) return;
  isTrying = true;
  for (let wait = 1_000; !isOpen(); wait = Math.min(wait * 1.5, longestPause)) {
    if (hasSealed()) say(locked, "This device keeps text of yours that is sealed, and the server has its key. Nothing of it is lost: it opens by itself.");
    await Promise.race([pause(wait), new Promise((answered) => (heard = answered)).then((hex) => keys.length || take(hex))]);
    if (!isOpen()) await openUp().catch(() => {});
  }
  isTrying = false;
  takeEarly();
  if (document.querySelector("[data-locked]")) say("Unlocked", "What this device keeps of this page's text can be read now. Load the page anew to see it.");
  // Where nobody would miss anything, the page does so by itself.
  dispatchEvent(new Event("inkfast-unlocked"));
}

const ready = account ? Promise.race([openUp(), pause(readyWithin)]).catch(() => {}) : Promise.resolve();

globalThis.resilientSeal = {
  /** Resolves in any case; what can be opened then, can be. */
  ready: ready.then(() => {
    if (!isOpen()) return;
    takeEarly();
    sayWhatDoesNotOpen();
  }),
  get isLocked() {
    return !isOpen();
  },
  /** `undefined` where it may not be kept. */
  seal: (name, text) => (isOpen() ? seal(keys[0], crypto.getRandomValues(new Uint8Array(12)), name, text) : undefined),
  /** `undefined` for what no key opens. */
  open(name, entry) {
    for (const key of hasCipher ? keys : []) {
      const text = open(key, name, entry);
      if (text !== undefined) return text;
    }
    return undefined;
  },
  /** An entry was removed: what was not sealed yet goes, too. */
  removed: (name) => inSession((session) => session.removeItem(name)),
};

if (account) {
  listenToTabs();
  ready.then(() => isOpen() || keepTrying());
  // Signed out, or in as somebody else, in another tab; or here, while the server was away.
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== "inkfast:1:account" || newValue === null) return;
    if (newValue !== account) forget();
    else if (!isOpen()) keepTrying();
  });
  const signedOut = () => "signedOut" in document.documentElement.dataset && forget();
  new MutationObserver(signedOut).observe(document.documentElement, { attributeFilter: ["data-signed-out"] });
} else {
  // Nobody is signed in here any more.
  inSession((session) => {
    for (const name of Object.keys(session)) if (name.startsWith("inkfast:1:key:")) session.removeItem(name);
  });
}
