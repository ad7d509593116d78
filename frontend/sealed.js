// Seals what this browser keeps of what is typed, where the server says so (`local_drafts`): `resilientSeal`, which the
// form asks. Stands behind the script that carries `device-cipher`, whose `seal` and `open` it calls; the loader brings it.
//
// The key is the account's, and the server's to hand out. Here it lives as long as the tab's session, and never in the page
// or in what a worker keeps. Browsers write a tab's session to their files while it is open.

const tabsWithin = 200;
const serverWithin = 2_000;
const readyWithin = 2_500;
const longestPause = 5_000;
/** A page that signs in says that nobody is here, and at once that somebody is. */
const signingInWithin = 300;

/** What stands in the page until this is here: it knows which entries have text. */
const unkept = globalThis.resilientSeal;
const { account, draftKeyMark } = document.body.dataset;
const place = `inkfast:1:key:${account}`;
const early = `inkfast:1:early:${account}:`;
/** `mark` and `keys` as the server tells them, in hexadecimal digits; the first key seals, all open. */
let told;
let keys = [];
let hasCipher = false;
/** Keys that were asked for before are nobody's once somebody has signed out. */
let signOuts = 0;
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

const namesIn = (storage, begin) => Object.keys(storage).filter((name) => name.startsWith(begin));

function take(those, before) {
  if (before !== signOuts) return;
  // What is older opens what it sealed, though the server may not have it any more.
  const others = (told?.keys ?? []).filter((key) => !those.keys.includes(key));
  told = { mark: those.mark, keys: [...those.keys, ...others] };
  keys = told.keys.map(bytes);
  inSession((session) => session.setItem(place, JSON.stringify(told)));
}

/** Signed out: what was typed in this tab and is not sealed goes with the key. */
function forget() {
  signOuts += 1;
  told = undefined;
  keys = [];
  inSession((session) => [place, ...namesIn(session, early)].forEach((name) => session.removeItem(name)));
  keepTrying();
}

let heard = () => {};
/** Absent in old browsers: then each tab asks the server. */
const tabs = globalThis.BroadcastChannel && new BroadcastChannel("inkfast:1:keys");

function listenToTabs() {
  if (!tabs) return;
  tabs.onmessage = ({ data }) => {
    if (data.account !== account) return;
    if (data.told) heard(data.told);
    else if (told) tabs.postMessage({ account, told });
  };
}

function fromTabs() {
  tabs?.postMessage({ account });
  return Promise.race([new Promise((answered) => (heard = answered)), pause(tabs ? tabsWithin : 0)]);
}

/** Why there is no key, in words. */
let locked = "Locked until the server tells the key";

async function fromServer() {
  locked = "Locked until the server tells the key";
  const answer = await fetch(`/api/session/draft-key?account=${encodeURIComponent(account)}`, {
    method: "POST",
    // It asks by itself: nobody needs to be there.
    headers: { "x-inkfast-unattended": "1" },
    redirect: "manual",
    signal: AbortSignal.timeout(serverWithin),
  });
  if (answer.status === 401) locked = "Locked until you sign in";
  if (!answer.ok) throw new Error(`asked for the key, the server answers ${answer.status}`);
  return answer.json();
}

async function obtain() {
  const before = signOuts;
  for (const ask of [() => inSession((session) => JSON.parse(session.getItem(place))), fromTabs]) {
    const those = await ask();
    if (those) take(those, before);
    if (told && told.mark === draftKeyMark) return;
  }
  // The key changed since, or nobody has one.
  take(await fromServer(), before);
}

/** What was typed before this script was here goes where it outlives the tab. */
function takeEarly() {
  inSession((session) => {
    for (const name of namesIn(session, early)) {
      const entry = resilientSeal.seal(name, session.getItem(name));
      if (entry === undefined) return;
      localStorage.setItem(name, entry);
      session.removeItem(name);
    }
  });
}

const isOwn = (name) => ["draft", "outbox", "early"].some((kind) => name.startsWith(`inkfast:1:${kind}:${account}:`));
const isSealed = (name) => isOwn(name) && localStorage.getItem(name).startsWith("s1.");

function sealedHere() {
  try {
    return Object.keys(localStorage).filter(isSealed);
  } catch {
    return [];
  }
}

/** Changed since, or sealed with a secret that the server has no more. */
function sayWhatDoesNotOpen() {
  if (sealedHere().every((name) => resilientSeal.open(name, localStorage.getItem(name)) !== undefined)) return false;
  say("Some text on this device cannot be opened", "It was changed since, or sealed with a secret that the server no longer has. It stays where it is.");
  return true;
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
  await __wbg_init({ module_or_path: document.querySelector("script[data-inkfast-loader]").dataset.cipher });
  hasCipher = true;
}

const openUp = () => Promise.all([hasCipher || loadCipher(), keys.length || obtain()]);

let isTrying = false;

/** Until there is a key. What lies here stays as it is, and what is typed now is kept by the server alone. */
async function keepTrying() {
  if (isTrying) return;
  isTrying = true;
  for (let wait = 500; ; wait = Math.min(wait * 1.5, longestPause)) {
    // After a sign-out the server may not know of it yet, and would tell.
    if (isHere()) await openUp().catch(() => {});
    if (isOpen()) break;
    if (sealedHere().length) say(locked, "This device keeps text of yours that is sealed, and the server has its key. Nothing of it is lost: it opens by itself.");
    await pause(wait);
  }
  isTrying = false;
  takeEarly();
  if (document.querySelector("[data-locked]") && !sayWhatDoesNotOpen()) {
    say("Unlocked", "What this device keeps of this page's text can be read now. Load the page anew to see it.");
  }
  // Where nobody would miss anything, the page does so by itself; a form offers what was refused.
  dispatchEvent(new Event("inkfast-unlocked"));
}

const isHere = () => {
  try {
    return [account, null].includes(localStorage.getItem("inkfast:1:account"));
  } catch {
    return true;
  }
};

/** Signed out, or in as somebody else, in another tab. */
async function lookWhoIsHere() {
  await pause(signingInWithin);
  if (!isHere()) forget();
}

const ready = account ? Promise.race([openUp(), pause(readyWithin)]).catch(() => {}) : Promise.resolve();

globalThis.resilientSeal = {
  /** Resolves in any case; what can be opened then, can be. */
  ready: ready.then(() => {
    if (!account) return;
    if (!isOpen()) return void keepTrying();
    takeEarly();
    sayWhatDoesNotOpen();
  }),
  get isLocked() {
    return !isOpen();
  },
  /** `undefined` where it may not be kept. */
  seal(name, text) {
    // What could not be opened is put back as it was.
    const asItIs = text.startsWith("s1.") ? text : unkept.seal(name, text);
    if (asItIs !== undefined) return asItIs;
    return isOpen() ? seal(keys[0], crypto.getRandomValues(new Uint8Array(12)), name, text) : undefined;
  },
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

// Of whoever was here before in this tab.
inSession((session) => namesIn(session, "inkfast:1:key:").forEach((name) => name === place || session.removeItem(name)));
if (account) {
  listenToTabs();
  addEventListener("storage", ({ key }) => key === "inkfast:1:account" && lookWhoIsHere());
  addEventListener("pageshow", ({ persisted }) => persisted && lookWhoIsHere());
  // Here, while the server was away.
  const signedOut = () => "signedOut" in document.documentElement.dataset && forget();
  new MutationObserver(signedOut).observe(document.documentElement, { attributeFilter: ["data-signed-out"] });
} else if (inSession(() => localStorage.getItem("inkfast:1:account")) === "") {
  // Signed out here: what was asked about is gone, and what was not sealed yet with it.
  inSession((session) => namesIn(session, "inkfast:1:early:").forEach((name) => session.removeItem(name)));
}
