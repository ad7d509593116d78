// Who is here, as far as the worker knows: what answers say of it, signing in and signing out.
// Stands between rules.js and worker.js in `/sw.js`.

const nobody = { account: null, seenAt: 0, leaving: null, drops: {} };

/** Who was last seen signed in and when, whose signing out the server does not know of yet, and what it did not drop. */
let said;
function known() {
  // Storage that is broken now is asked again: meanwhile nobody is known, and nobody is kept from the server.
  const reading = (said ??= readState().catch(() => {
    if (said === reading) said = undefined;
    return nobody;
  }));
  return reading;
}

async function readState() {
  const state = await caches.open("inkfast-state");
  return { ...nobody, ...(await (await state.match("/state"))?.json()) };
}

/** One after the other, and each on what the one before has left. It holds while the worker lives, written or not. */
let written = Promise.resolve();
function note(change) {
  said = known().then((before) => ({ ...before, ...change }));
  written = written.then(writeState).catch(() => {});
  return written;
}

async function writeState() {
  const state = await caches.open("inkfast-state");
  const put = async () => state.put("/state", new Response(JSON.stringify(await said)));
  // Full: what stands there makes room, and nothing there is nobody.
  await put().catch(() => state.delete("/state").then(put));
}

/** Whose pages are shown: nobody's once their session is over in any case. */
async function whoIsShown() {
  const { account, seenAt } = await known();
  return Date.now() - seenAt < inkfast.session_ms ? account : null;
}

/** Requests in the order they left: what comes late says nothing about who is here now, nor how a page looks. */
let left = 0;
let heardOf = 0;
const newTurn = () => ({ number: (left += 1), at: Date.now() });
/** Of whoever signs out: what left up to that turn is not kept any more when it arrives. */
const forgotten = new Map();
const isForgotten = (account, turn) => turn.number <= (forgotten.get(account) ?? 0);

/** What left until now says nothing any more of who is here. */
function nobodyIsHeardOf() {
  heardOf = newTurn().number;
  for (const account of forgotten.keys()) forgotten.set(account, left);
  ready.clear();
  released.clear();
}

/** An answer says who is signed in. */
async function hear(answer, turn) {
  if (!isOurs(answer) || turn.number <= heardOf) return;
  heardOf = turn.number;
  const account = accountIn(answer);
  const before = await known();
  if (account === before.account && turn.at - before.seenAt < noteEvery) return;
  await note({ account, seenAt: turn.at });
  const drops = before.drops[account];
  if (drops) await noteDrops(account, await dropAll(drops));
}

const noteDrops = async (account, drops) => note({ drops: { ...(await known()).drops, [account]: drops.length ? drops : undefined } });

/** Answers those that are still to be dropped. */
async function dropAll(drops) {
  const signal = AbortSignal.timeout(copyAfter);
  const isDone = ({ status }) => ![0, 401, 403, 408, 429].includes(status) && status < 500;
  const drop = (url) => fetch(url, { method: "DELETE", redirect: "manual", signal }).then(isDone, () => false);
  const done = await Promise.all(drops.map(drop));
  return drops.filter((_, at) => !done[at]);
}

/**
 * Until the server says who is here now, nobody is: what was kept for whoever was here before is not shown. And a sign-out
 * that was promised comes first, or it would end the session that begins now, or never be.
 */
async function signIn(event) {
  await finishSigningOut();
  const answer = await fetch(event.request);
  // The sign-in page again; everything else may have let somebody in.
  if (isAway(answer) || (isOurs(answer) && !accountIn(answer))) return answer;
  nobodyIsHeardOf();
  await note({ account: null, leaving: null });
  // A page that signs in by itself stays where it is.
  if (event.request.mode !== "navigate") event.waitUntil(clients.get(event.clientId).then((page) => page && keepAnew(page.url)));
  return answer;
}

/** The answer goes to the page as it is; where there is none, the server is told before anything else. */
async function signOut(event) {
  const { account } = await known();
  const leaving = { account, drops: [] };
  await leave(account, leaving);
  const answer = await within(copyAfter, fetch(event.request)).catch(() => undefined);
  if (!answer || isAway(answer)) return Response.redirect("/login", 303);
  // Refused, it is none, and nothing is promised; else whoever comes next comes anew.
  nobodyIsHeardOf();
  if ((await known()).leaving === leaving) await note({ leaving: null });
  return answer;
}

/** Removes an account's pages, and nobody else's; that first, for it makes room for the rest. */
async function leave(account, leaving) {
  await forget(account).catch(() => {});
  await note(leaving.account && leaving.account !== (await known()).account ? { leaving } : { leaving, account: null });
}

async function forget(account) {
  nobodyIsHeardOf();
  if (!account) return;
  forgotten.set(account, Infinity);
  await caches.delete(pagesOf(account));
}

/** Somebody signed out while the server was away: that goes before anything else, once for all who wait for it. */
let finishing;
function finishSigningOut() {
  return (finishing ??= tellServer().finally(() => (finishing = undefined)));
}

async function tellServer() {
  const { leaving } = await known();
  if (!leaving) return;
  // As far as it goes: a draft that stays is less than somebody who does.
  const drops = await dropAll(leaving.drops);
  if ((await known()).leaving !== leaving) return;
  const answer = await fetch("/logout", { method: "POST", body: new URLSearchParams(), signal: AbortSignal.timeout(copyAfter) });
  // It leads to the page for nobody. Something on the way would say anything.
  if (!answer.redirected || !isOurs(answer) || accountIn(answer)) throw new Error(`signing out is answered with ${answer.status}`);
  nobodyIsHeardOf();
  await note({ leaving: null, account: null });
  if (leaving.account && drops.length) await noteDrops(leaving.account, drops);
}
