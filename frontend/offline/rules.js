// The worker's rules, without a browser: what is kept under which name, what goes first, and how a copy is marked.
// Stands before worker.js in `/sw.js`; the stories' package tests it.

/** @typedef {{ place: string, at: number, bytes: number, build: string }} Kept A page as it is kept; `at` in Unix milliseconds. */

const day = 24 * 60 * 60 * 1_000;

/** Of one account, and how many accounts. */
const most = { pages: 100, bytes: 16_000_000, pageBytes: 4_000_000, age: 30 * day, accounts: 3 };

/** Addresses that are no pages: a browser shows its own word about them. */
const noPage = /^\/(api|events|export|import|bulk|metrics|health|health-check|livez|readyz|pkg|admin|sw\.js|drafts\/export)(\/|$)/;

/** @param {string} path */
const isPage = (path) => !noPage.test(path);

/**
 * What a page is kept under; `undefined` for one that is not kept. What only one visit asks of a form is no part of it.
 * @param {URL} url
 */
function placeOf({ pathname, search, searchParams }) {
  if (pathname === "/") return "/";
  if (/^\/records\/[^/]+$/.test(pathname)) return pathname + search;
  if (!/^\/records\/[^/]+\/[^/]+$/.test(pathname)) return undefined;
  if (!pathname.endsWith("/new")) return pathname;
  const form = searchParams.get("form");
  return form ? `${pathname}?form=${encodeURIComponent(form)}` : undefined;
}

/** @param {URL} url */
const isFormOfNew = ({ pathname }) => pathname.endsWith("/new");

/**
 * Whether the page as it is answered says more than the record: it is looked for, and never kept.
 * @param {URL} url
 */
const isOneOff = ({ searchParams }) => ["saved", "restore", "columns", "tables"].some((name) => searchParams.has(name));

/** @typedef {{ status: number, headers: { has(name: string): boolean, get(name: string): string | null } }} Answer */

/** @param {Answer} answer */
const isOurs = ({ headers }) => headers.has("inkfast-page");

/**
 * Who is signed in, by a page of ours.
 * @param {Answer} answer
 */
const accountIn = ({ headers }) => (headers.has("inkfast-account") ? decodeURIComponent(headers.get("inkfast-account") ?? "") : null);

/**
 * Whether an answer is not the server's, but of something before it that cannot reach it, or does not know it. A page that
 * we would draw is marked, whatever came of it, but for 500: then drawing it failed.
 * @param {Answer} answer
 * @param {string | undefined} place
 */
const isAway = (answer, place = undefined) =>
  !isOurs(answer) && (answer.status > 500 || (answer.status === 404 && place !== undefined));

/** What a file of the browser's is answered as: a page in its place is something's on the way. */
const assetType = /** @type {Record<string, RegExp>} */ ({ js: /javascript/, css: /^text\/css/, wasm: /^application\/wasm/ });

/**
 * @param {Answer} answer
 * @param {string} path
 */
const isAsset = ({ status, headers }, path) =>
  status === 200 && (assetType[path.split(".").pop() ?? ""]?.test(headers.get("content-type") ?? "") ?? true);

/**
 * What has to go, the oldest first: too old, or too much; and, where builds are named, drawn by one whose assets are not
 * here any more.
 * @param {Kept[]} kept
 * @param {Set<string> | undefined} builds
 * @param {number} now
 */
function surplus(kept, builds, now) {
  const usable = (/** @type {Kept} */ page) => now - page.at < most.age && (builds?.has(page.build) ?? true);
  const gone = kept.filter((page) => !usable(page));
  let [pages, bytes] = [0, 0];
  for (const page of kept.filter(usable).sort((one, other) => other.at - one.at)) {
    pages += 1;
    bytes += page.bytes;
    if (pages > most.pages || bytes > most.bytes) gone.push(page);
  }
  return gone.map(({ place }) => place);
}

/**
 * Of names in the order they were made: all but our own and the last before it.
 * @param {string[]} names
 * @param {string} own
 */
function outdatedBuilds(names, own) {
  const others = names.filter((name) => name !== own);
  return others.slice(0, -1);
}

/**
 * `14:05`, or `14:05 on 26 November` where that was not today.
 * @param {number} at
 * @param {number} now
 */
function timeWords(at, now) {
  const [then, today] = [new Date(at), new Date(now)];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
  if (then.toDateString() === today.toDateString()) return time;
  return `${time} on ${then.toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`;
}

const clock =
  '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.5V8l2.3 1.8" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"></path></svg>';

/**
 * A kept page as it is shown; `undefined` for one that cannot be. Each showing is a page load of its own: its writer and its
 * press of Save are nobody else's, or two of them would take each other's texts for their own.
 * @param {string} html
 * @param {{ at: number, now: number, writer: string, id: string, isSlow?: boolean }} showing
 */
function asCopy(html, { at, now, writer, id, isSlow }) {
  const form = /<form[^>]* data-resilient-form\b[^>]*>/.exec(html)?.[0];
  const away = isSlow ? "The server has not answered for 4 s." : "The server cannot be reached.";
  const words = form
    ? "This is the record as this device saw it then. What you type is kept, and what you save is saved when the server answers."
    : "This is the page as this device saw it then; it may have changed since.";
  const notice =
    `<div class="notices"><div class="notice notice-waiting" role="status" data-copy-notice="">${clock}<div class="notice-body">` +
    `<p class="notice-heading">Saved copy from ${timeWords(at, now)}</p><p data-copy-words="">${away} ${words}</p></div></div></div>`;
  const copy = marked(html, `data-saved-copy="${at}" data-asked-at="${at}"`);
  const main = /<main\b[^>]*>/.exec(copy)?.[0];
  if (!main || copy === html) return undefined;
  const noticed = copy.replace(main, () => main + notice);
  return form ? asPageLoad(noticed, form, writer, id) : noticed;
}

/**
 * @param {string} copy
 * @param {string} form its tag
 * @param {string} writer
 * @param {string} id
 */
function asPageLoad(copy, form, writer, id) {
  const drawn = / data-writer="([0-9a-f]{32})"/.exec(form)?.[1];
  if (!drawn) return undefined;
  const written = copy.replaceAll(drawn, writer);
  // The form of a new record has one id for good: the record is made once, however often it is sent.
  if (/ data-is-new\b/.test(form)) return written;
  const sent = /(<input type="hidden" name="_id" value=")[^"]*/;
  return sent.test(written) ? written.replace(sent, (_, before) => before + id) : undefined;
}

/**
 * @param {string} html
 * @param {string} attribute
 */
const marked = (html, attribute) => html.replace("<html ", `<html ${attribute} `);
