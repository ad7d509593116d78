// The service worker: keeps the assets of this and the last build and each person's pages as they were last seen, and
// shows them when the server cannot be reached. Whoever has the server gets what the server says.
//
// `/sw.js` is a line of the server's (`inkfast`: build and assets), rules.js, and this.

/** So long a page is waited for where there is a copy of it; and where there is none. */
const copyAfter = 4_000;
const giveUpAfter = 25_000;
const noteEvery = 600_000;
/** A page that was asked for in advance is handed to a load of it that follows at once. */
const handOverWithin = 5_000;

const assetsName = "inkfast-assets-";
const pagesName = "inkfast-pages-";
const own = assetsName + inkfast.build;
const pagesOf = (account) => pagesName + encodeURIComponent(account);
const elsewhere = "/offline";
const unattended = { "x-inkfast-unattended": "1" };

const pause = (ms) => new Promise((over) => setTimeout(over, ms));
const within = (ms, promise) => Promise.race([promise, pause(ms).then(() => undefined)]);

/** By which request a page was kept last. */
const lastKept = new Map();
/** Requests for pages that are not answered to the end yet. */
const underWay = new Map();
/** Pages as they were answered last, and those of them to be handed to the load that follows. */
const ready = new Map();
const released = new Map();
/** Until then assets are not asked for, because a page was just not to be had. */
let awayUntil = 0;

addEventListener("install", (event) => event.waitUntil(fetchAssets()));
// Only once no page of the worker before is open: where one takes over earlier, a load at that moment was seen to hang.
addEventListener("activate", (event) => event.waitUntil(Promise.all([clients.claim(), sweep()])));

async function fetchAssets() {
  const assets = await caches.open(own);
  await Promise.all(inkfast.assets.map(async (path) => assets.put(path, await asset(path))));
  const page = await fetch(elsewhere, { credentials: "omit", headers: unattended });
  if (!page.ok || !isOurs(page) || accountIn(page)) throw new Error(`${elsewhere} is answered with ${page.status}`);
  await assets.put(elsewhere, page);
}

async function asset(path) {
  const answer = await fetch(path);
  if (!isAsset(answer, path)) throw new Error(`${path} is answered with ${answer.status}, ${answer.headers.get("content-type")}`);
  return answer;
}

async function sweep() {
  const names = await caches.keys();
  const builds = names.filter((name) => name.startsWith(assetsName));
  const outdated = outdatedBuilds(builds, own);
  await Promise.all(outdated.map((name) => caches.delete(name)));
  // Where what is typed is sealed, text of records is in no copy either; the page that stands in comes with the next one.
  if (!inkfast.keeps_records) await Promise.all(names.filter((name) => name.startsWith(pagesName)).map((name) => caches.delete(name)));
  const here = new Set(builds.filter((name) => !outdated.includes(name)).map((name) => name.slice(assetsName.length)));
  await Promise.all(names.filter((name) => name.startsWith(pagesName)).map((name) => trim(name, here)));
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST") {
    if (url.pathname === "/login") event.respondWith(signIn(event));
    if (url.pathname === "/logout" && request.mode === "navigate") event.respondWith(signOut(event));
  }
  if (request.method !== "GET") return;
  if (url.pathname.startsWith("/pkg/")) event.respondWith(answerAsset(request, url));
  else if (request.mode === "navigate" && isPage(url.pathname)) event.respondWith(page(event, url));
});

/** Storage that is broken has nothing. */
const orNothing = (promise) => promise.catch(() => undefined);

async function keptAsset(path) {
  const assets = await caches.open(own);
  return (await assets.match(path)) ?? caches.match(path);
}

async function answerAsset(request, url) {
  const path = url.pathname;
  // Whoever tries again has had the one that is kept.
  const isAnew = request.cache === "reload" || url.search !== "";
  const isHashed = /\.[0-9a-f]{16}\./.test(path);
  if (!isAnew && (isHashed || Date.now() < awayUntil)) return (await orNothing(keptAsset(path))) ?? fetch(request);
  const answer = await within(copyAfter, fetch(request)).catch(() => undefined);
  if (!answer || !isAsset(answer, path)) return (await orNothing(keptAsset(path))) ?? answer ?? Response.error();
  if (isAnew && inkfast.assets.includes(path)) await orNothing(replaceAsset(path, answer.clone()));
  return answer;
}

const replaceAsset = async (path, answer) => (await caches.open(own)).put(path, answer);

async function page(event, url) {
  try {
    await finishSigningOut();
  } catch {
    return notToBeHad();
  }
  const handed = await orNothing(handedOver(url));
  if (handed) return handed;
  const { sent, learnt } = send(url, event.request);
  event.waitUntil(learnt.catch(() => {}));
  try {
    const inTime = (await within(copyAfter, sent)) ?? (await orNothing(copyOf(url, true))) ?? (await within(giveUpAfter - copyAfter, sent));
    if (inTime) return inTime;
  } catch {
    // Refused, broken off, or answered by something before the server.
  }
  return (await orNothing(copyOf(url))) ?? notToBeHad();
}

/** Asks for a page; what it says is learnt, also when it is shown no more. */
function send(url, request, more) {
  const turn = newTurn();
  const sent = fetch(request, more).then((answer) => {
    if (isAway(answer, placeOf(url))) throw new Error(`answered with ${answer.status} on the way`);
    return answer;
  });
  const learnt = sent.then((answer) => learn(url, answer.clone(), turn));
  const one = { turn, sent, learnt };
  const over = () => underWay.get(addressOf(url)) === one && underWay.delete(addressOf(url));
  underWay.set(addressOf(url), one);
  learnt.then(over, over);
  return one;
}

/** One that is on its way already, while it may still come. */
function sentBefore(url) {
  const one = underWay.get(addressOf(url));
  return one && Date.now() - one.turn.at < giveUpAfter ? one : undefined;
}

/** Asks for a page without showing it, and says what came of it. A slow server is asked once. */
async function ask(url, before = sentBefore(url)) {
  try {
    await finishSigningOut();
    const signal = AbortSignal.timeout(giveUpAfter);
    const { sent, learnt, turn } =
      before ?? send(url, url, { headers: { accept: "text/html", ...unattended }, redirect: "manual", signal });
    const answered = await within(turn.at + giveUpAfter - Date.now(), sent.then((answer) => ({ answer, whole: answer.clone() })));
    if (!answered) return "none";
    const { answer, whole } = answered;
    await learnt;
    if (answer.type === "opaqueredirect") return "elsewhere";
    if (!isOurs(answer) || answer.status === 503) return "trouble";
    ready.clear();
    if (answer.status === 200) ready.set(addressOf(url), { whole, account: accountIn(answer), turn, at: Date.now() });
    return "page";
  } catch {
    return "none";
  }
}

/** One that left before now could be from before a save. */
async function keepAnew(url) {
  const place = placeOf(new URL(url));
  if (place) await ask(new URL(place, location.origin), null);
}

const addressOf = ({ pathname, search }) => pathname + search;

/** Only to a page that loads itself now: later it could be from before a save. */
function release(url) {
  const page = ready.get(addressOf(url));
  if (page) released.set(addressOf(url), page);
  ready.clear();
}

/** With the time it was asked for, which the page cannot know: what was saved since is not in it. */
async function handedOver(url) {
  const handed = released.get(addressOf(url));
  released.clear();
  const fits = handed && Date.now() - handed.at < handOverWithin && handed.account === (await known()).account;
  if (!fits) return undefined;
  const html = marked(await handed.whole.text(), `data-asked-at="${handed.turn.at}"`);
  return new Response(html, { headers: headersOf(handed.whole) });
}

/** Of an answer whose body is written anew. */
function headersOf(answer) {
  const headers = new Headers(answer.headers);
  for (const name of ["content-encoding", "content-length", "vary"]) headers.delete(name);
  return headers;
}

/** What an answer says: who is signed in, and how the page looks now. */
async function learn(url, answer, turn) {
  const place = placeOf(url);
  const account = accountIn(answer);
  await hear(answer, turn);
  if (!place) return;
  const isGone = isOurs(answer) && [403, 404, 410].includes(answer.status);
  // The form of a record that was made since leads to the record.
  const isMade = answer.type === "opaqueredirect" && isFormOfNew(url);
  if (isGone || isMade) {
    const { account: here } = await known();
    if (here) await (await caches.open(pagesOf(here))).delete(place);
  } else if (isOurs(answer) && answer.status === 200 && account && !isOneOff(url)) {
    await keep(account, place, answer, turn);
  }
}

async function keep(account, place, answer, turn) {
  // A body that breaks off rejects here, and is no page.
  const html = await answer.text();
  if (html.length > most.pageBytes) return;
  if (inkfast.keeps_records) await put(account, place, html, answer, turn);
  const pages = await caches.open(pagesOf(account));
  const there = await pages.match(elsewhere);
  if (there?.headers.get("inkfast-page") !== answer.headers.get("inkfast-page")) await keepElsewhere(account, turn);
  await trim(pagesOf(account));
  const accounts = (await caches.keys()).filter((name) => name.startsWith(pagesName) && name !== pagesOf(account));
  await Promise.all(accounts.slice(0, -(most.accounts - 1)).map((name) => caches.delete(name)));
}

/** The page that stands in for those never seen, in this account's frame. */
async function keepElsewhere(account, turn) {
  const answer = await fetch(elsewhere, { headers: unattended });
  if (answer.ok && accountIn(answer) === account) await put(account, elsewhere, await answer.text(), answer, turn);
}

async function put(account, place, html, answer, turn) {
  const headers = headersOf(answer);
  headers.set("inkfast-seen", String(turn.at));
  headers.set("inkfast-bytes", String(html.length));
  if (isForgotten(account, turn) || turn.number < (lastKept.get(account + place) ?? 0)) return;
  lastKept.set(account + place, turn.number);
  const pages = await caches.open(pagesOf(account));
  // Full: the oldest half makes room.
  await pages.put(place, new Response(html, { headers })).catch(async () => {
    const kept = await keptIn(pages);
    kept.sort((one, other) => one.at - other.at);
    await Promise.all(kept.slice(0, Math.ceil(kept.length / 2)).map((page) => pages.delete(page.place)));
  });
  if (isForgotten(account, turn)) await caches.delete(pagesOf(account));
}

async function keptIn(pages) {
  const kept = [];
  for (const request of await pages.keys()) {
    const { headers } = (await pages.match(request)) ?? new Response();
    const place = addressOf(new URL(request.url));
    if (place === elsewhere) continue;
    const [at, bytes] = ["inkfast-seen", "inkfast-bytes"].map((name) => Number(headers.get(name)));
    kept.push({ place, at, bytes, build: headers.get("inkfast-page") ?? "" });
  }
  return kept;
}

async function trim(name, builds) {
  const pages = await caches.open(name);
  const gone = surplus(await keptIn(pages), builds, Date.now());
  await Promise.all(gone.map((place) => pages.delete(place)));
}

/** This person's copy of a page, marked as one. */
async function copyOf(url, isSlow = false) {
  const place = placeOf(url);
  const account = await whoIsShown();
  if (!place || !account) return undefined;
  const kept = await (await caches.open(pagesOf(account))).match(place);
  const at = Number(kept?.headers.get("inkfast-seen"));
  const now = Date.now();
  if (!kept || now - at >= most.age) return undefined;
  const [id, writer] = [crypto.randomUUID(), crypto.randomUUID().replaceAll("-", "")];
  const copy = asCopy(await kept.text(), { at, now, writer, id, isSlow });
  if (copy === undefined) return undefined;
  awayUntil = now + copyAfter;
  return new Response(copy, { headers: kept.headers });
}

/** The page that says so, lists what this device has, and tries again. */
async function notToBeHad() {
  const { leaving } = await known();
  const page = await orNothing(standIn());
  if (!page) return Response.error();
  awayUntil = Date.now() + copyAfter;
  const html = marked(await page.text(), leaving ? 'data-not-to-be-had="" data-leaving=""' : 'data-not-to-be-had=""');
  return new Response(html, { status: 503, headers: page.headers });
}

async function standIn() {
  const account = await whoIsShown();
  const theirs = account ? await (await caches.open(pagesOf(account))).match(elsewhere) : undefined;
  return theirs ?? (await caches.open(own)).match(elsewhere);
}

const isDraft = (drop) => typeof drop === "string" && drop.startsWith("/api/drafts/");

addEventListener("message", (event) => {
  const { type, url, account, drops = [] } = event.data;
  const [port] = event.ports;
  const heard = {
    keep: () => keepAnew(url),
    ask: async () => port.postMessage(await ask(new URL(url))),
    release: () => port.postMessage(release(new URL(url))),
    forget: async () => {
      await leave(account, { account, drops: drops.filter(isDraft) });
    },
  };
  event.waitUntil(heard[type]?.());
});
