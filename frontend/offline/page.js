// The page's part in being there without the server: starts the worker once the page has loaded, keeps asking on a page
// that the worker had to bring, and offers a new build without ever loading it over what is being typed.

const root = document.documentElement;
const { keepsPages } = document.querySelector("script[data-page-script]").dataset;
/** Absent on plain http off loopback. */
const workers = navigator.serviceWorker;
const isCopy = "savedCopy" in root.dataset;
const isNotToBeHad = "notToBeHad" in root.dataset;
const longestPause = 15_000;
const offeredPause = 60_000;
const answerWithin = 30_000;
const keptWithin = 5_000;
/** The worker answers within 25 s. */
const leavingWithin = 30_000;

const pause = (ms) => new Promise((over) => setTimeout(over, ms));
const form = () => document.querySelector("form[data-resilient-form]");

let hasTyped = document.querySelector("[data-touched]") !== null;
addEventListener("input", () => (hasTyped = true), true);

/**
 * When somebody began to leave, which to load this page anew would undo. It may come to nothing, as a download does. No way
 * back is lost by listening: no page may be stored (`no-store`).
 */
let leftAt = -Infinity;
addEventListener("beforeunload", ({ isTrusted }) => isTrusted && (leftAt = performance.now()));
const isBeingLeft = () => performance.now() - leftAt < leavingWithin;

/** Nobody would miss anything if this page were another one now. */
const isUntouched = () =>
  !hasTyped && (form()?.dataset.state ?? "clean") === "clean" && !document.querySelector("dialog[open]") && !document.activeElement?.matches("input, textarea, select");

async function say(message, ports = []) {
  const worker = workers?.controller ?? (await workers?.getRegistration())?.active;
  worker?.postMessage(message, ports);
}

/** What the worker answers; `none` where it does not. */
async function asked(message) {
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((heard) => (port1.onmessage = ({ data }) => heard(data)));
  await say(message, [port2]);
  return Promise.race([answer, pause(answerWithin).then(() => "none")]);
}

const keepThisPage = () => say({ type: "keep", url: location.href });

async function startWorker() {
  if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded, { once: true }));
  const isNew = !workers.controller;
  await workers.register("/sw.js", { updateViaCache: "none" });
  await workers.ready;
  // It was not there yet when this page came.
  if (isNew && !isCopy && !isNotToBeHad) await keepThisPage();
  // It came as the answer to a save, which it says, and is kept without.
  else if (form()?.dataset.savedId) await keepThisPage();
}

async function removeWorker() {
  const registration = await workers.getRegistration();
  await registration?.unregister();
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("inkfast-")).map((name) => caches.delete(name)));
}

/** Ends the pause before the next try. */
let wake = () => {};

function watchForHints() {
  addEventListener("online", () => wake());
  const status = document.querySelector("[data-connection]");
  if (!status) return;
  new MutationObserver(() => wake()).observe(status, { attributeFilter: ["data-connection"] });
}

// What the device keeps could not be read until now.
addEventListener("inkfast-unlocked", async () => {
  while (isBeingLeft()) await pause(1_000);
  if (isUntouched()) location.reload();
});

/** Until the server has this page again, and it is here. */
async function keepAsking() {
  watchForHints();
  for (let wait = 1_000; ; wait = Math.min(wait * 1.5, longestPause)) {
    await Promise.race([pause(isOffered() ? offeredPause : wait), new Promise((woken) => (wake = woken))]);
    if (document.hidden) await new Promise((shown) => document.addEventListener("visibilitychange", shown, { once: true }));
    const answer = await asked({ type: "ask", url: location.href });
    if (answer === "none") takeBackTheOffer();
    else if (isNotToBeHad && !isBeingLeft()) return location.reload();
    else if (answer !== "trouble" && (await isGivenUp())) return location.reload();
    else if (answer !== "trouble") offerThePage();
  }
}

/** Asked again at the very end: meanwhile somebody may have begun to type, or to leave. */
async function isGivenUp() {
  if (!isUntouched()) return false;
  await asked({ type: "release", url: location.href });
  return isUntouched() && !isBeingLeft();
}

const copyWords = document.querySelector("[data-copy-words]");
const saidAtFirst = copyWords?.textContent ?? "";
const isOffered = () => document.querySelector("[data-load-anew]") !== null;

/** It goes on as it is: what is typed here is saved as from any other page. */
function offerThePage() {
  if (!copyWords || isOffered()) return;
  const button = element("button", { type: "button", class: "button", "data-load-anew": "" }, "Load the page anew");
  button.addEventListener("click", () => leave(copyWords));
  copyWords.textContent = "The server is back. What you save here is saved as always. Load the page anew to see what others have changed since.";
  const actions = element("p", { class: "actions" });
  actions.append(button);
  copyWords.after(actions);
}

function takeBackTheOffer() {
  if (!isOffered()) return;
  document.querySelector("[data-load-anew]").parentElement.remove();
  copyWords.textContent = saidAtFirst;
}

/** Beside the toasts, in sight and in nobody's way. */
function offerNewBuild() {
  const place = document.querySelector("[data-toasts-polite]");
  if (!place || document.querySelector("[data-new-build]")) return;
  const offer = element("div", { "data-new-build": "", class: "toast" });
  const words = element("span", { class: "toast-words" }, "A new version of Inkfast is here. This page still works.");
  const load = element("button", { type: "button", class: "button-plain toast-action" }, "Load it");
  const close = element("button", { type: "button", class: "button-plain toast-close", "aria-label": "Close" }, "×");
  load.addEventListener("click", () => leave(words));
  close.addEventListener("click", () => offer.remove());
  offer.append(words, load, close);
  place.append(offer);
}

/** Loads the page anew once nothing would be lost by it. */
async function leave(words) {
  // As when a field is left: what is not kept yet is written now.
  form()?.dispatchEvent(new Event("focusout", { bubbles: true }));
  const until = performance.now() + keptWithin;
  while (wouldLose()) {
    if (performance.now() > until) {
      words.textContent = "Something you typed here is kept nowhere else. Save it first.";
      return;
    }
    await pause(50);
  }
  location.reload();
}

/** Asks the page what it would say if it were left now. */
const wouldLose = () => !dispatchEvent(new Event("beforeunload", { cancelable: true }));

function element(tag, attributes, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Signed out while the server is away: this account's pages go now, and the server hears of it first. */
function signedOut() {
  let drops = [];
  try {
    drops = JSON.parse(localStorage.getItem("inkfast:1:sign-out") ?? "[]");
  } catch {
    // Forbidden: then nothing was kept to be dropped.
  }
  say({ type: "forget", account: document.body.dataset.account, drops });
}

function watchThePage() {
  const heard = () => {
    if (root.dataset.serverBuild && root.dataset.serverBuild !== root.dataset.build) offerNewBuild();
    if ("signedOut" in root.dataset) signedOut();
  };
  new MutationObserver(heard).observe(root, { attributeFilter: ["data-server-build", "data-signed-out"] });
  heard();
  if (!form()) return;
  // What was saved makes the copy an old one.
  new MutationObserver(() => form()?.dataset.state === "saved" && keepThisPage()).observe(form(), { attributeFilter: ["data-state"] });
}

watchThePage();
if ("leaving" in root.dataset) {
  for (const [name, hidden] of [["leaving", false], ["away", true]]) {
    const words = document.querySelector(`[data-${name}-words]`);
    if (words) words.hidden = hidden;
  }
}
if (workers && keepsPages === "on") {
  startWorker().catch((failure) => console.warn("Pages are not kept on this device:", failure));
  if (isCopy || isNotToBeHad) keepAsking();
} else if (workers) {
  removeWorker().catch(() => {});
}
