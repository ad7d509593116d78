// Who is shown what without the server, when people sign in and out: the service worker without a browser.
import { expect, test } from "@playwright/test";
import { Worker } from "../fixtures/worker_world.ts";

const drop = "/api/drafts/activities/1?account=ada&seq=1&writer=w";

/** Ada's pages are kept, and she was here last. */
async function adasBrowser(): Promise<Worker> {
  const worker = new Worker();
  await worker.installs();
  worker.server.account = "ada";
  await worker.opens("/");
  await worker.opens("/records/activities/1");
  expect(worker.storage.pagesOf("ada").sort()).toEqual(["/", "/offline", "/records/activities/1"]);
  worker.server.asked.length = 0;
  return worker;
}

const signsOutWithoutTheServer = async (worker: Worker) => {
  worker.server.isAway = true;
  await worker.hears({ type: "forget", account: "ada", drops: [drop] });
};

test("signed in as somebody else: nothing of the first is shown while the server has not said who is here", async () => {
  for (const mode of ["navigate", "cors"]) {
    const worker = await adasBrowser();
    await worker.sends("POST", "/login?as=ben", mode).answer;
    worker.server.isAway = true;
    for (const path of ["/", "/records/activities/1", "/records/activities/2"]) {
      expect(await worker.opensLate(path), `${mode} ${path}`).not.toContain("of ada");
    }
    worker.server.isAway = false;
    expect(await worker.opens("/")).toContain("/ of ben");
  }
});

test("a page of the first that arrives after the sign-in does not bring them back", async () => {
  const worker = await adasBrowser();
  let arrive = (_: Response) => {};
  worker.server.instead = ({ url }) =>
    url.pathname === "/records/activities/2" ? new Promise<Response>((answer) => (arrive = answer)) : undefined;
  const slow = worker.sends("GET", "/records/activities/2");
  await worker.settles();
  await worker.sends("POST", "/login?as=ben").answer;
  arrive(worker.server.page("late", 200, "ada"));
  await slow.answer;
  await worker.settles();
  worker.server.isAway = true;
  expect(await worker.opensLate("/")).not.toContain("of ada");
});

test("a password that is not right changes nothing of who is here", async () => {
  const worker = await adasBrowser();
  await worker.sends("POST", "/login").answer;
  worker.server.isAway = true;
  expect(await worker.opensLate("/")).toContain("/ of ada");
});

test("a sign-in that fails undoes no sign-out", async () => {
  const worker = await adasBrowser();
  await signsOutWithoutTheServer(worker);
  await worker.sends("POST", "/login?as=ada", "cors").answer.catch(() => {});
  await worker.settles();
  worker.start();
  worker.server.isAway = false;
  await worker.opens("/");
  expect(worker.server.asked).toContain("POST /logout");
  expect(worker.server.account).toBeNull();
});

test("a sign-out that was promised is finished before anybody signs in, and never after", async () => {
  const worker = await adasBrowser();
  await signsOutWithoutTheServer(worker);
  worker.server.isAway = false;
  worker.server.asked.length = 0;
  await worker.sends("POST", "/login?as=ben").answer;
  expect(await worker.opens("/")).toContain("/ of ben");
  const [signedOut, signedIn] = ["POST /logout", "POST /login?as=ben"].map((asked) => worker.server.asked.indexOf(asked));
  expect(signedOut).toBeGreaterThan(-1);
  expect(signedIn).toBeGreaterThan(signedOut!);
  expect(worker.server.asked.filter((asked) => asked === "POST /logout")).toHaveLength(1);
});

test("a draft that cannot be dropped shuts nobody out, and is dropped when its account is here again", async () => {
  const worker = await adasBrowser();
  await signsOutWithoutTheServer(worker);
  worker.server.isAway = false;
  worker.server.instead = ({ method }) => (method === "DELETE" ? new Response("{}", { status: 503 }) : undefined);
  expect(await worker.opens("/login")).toContain("/login of null");
  expect(worker.server.account).toBeNull();

  worker.start();
  worker.server.instead = () => undefined;
  worker.server.asked.length = 0;
  await worker.sends("POST", "/login?as=ben").answer;
  await worker.opens("/");
  expect(worker.server.asked).not.toContain(`DELETE ${drop}`);
  await worker.sends("POST", "/login?as=ada").answer;
  await worker.opens("/");
  expect(worker.server.asked).toContain(`DELETE ${drop}`);
  worker.server.asked.length = 0;
  await worker.opens("/");
  expect(worker.server.asked).not.toContain(`DELETE ${drop}`);
});

test("a draft that is dropped too slowly shuts nobody out", async () => {
  const worker = await adasBrowser();
  await signsOutWithoutTheServer(worker);
  worker.server.isAway = false;
  worker.server.instead = ({ method }) => (method === "DELETE" ? new Promise(() => {}) : undefined);
  const { answer } = worker.sends("GET", "/login");
  await worker.passes(4_000);
  expect(await (await answer).text()).toContain("/login of null");
});

test("signed out is only who the server says it of", async () => {
  const answers = [() => new Response("<h1>Sign in to the network</h1>"), () => new Response("", { status: 503 }), () => new Response("", { status: 403 })];
  for (const portal of answers) {
    const worker = await adasBrowser();
    await signsOutWithoutTheServer(worker);
    worker.server.isAway = false;
    worker.server.instead = () => portal();
    await worker.opensLate("/login");
    worker.server.instead = () => undefined;
    await worker.opens("/login");
    expect(worker.server.account).toBeNull();
  }
});

test("signed out while storage is full: the pages go all the same", async () => {
  for (const way of ["with the server", "without"]) {
    const worker = await adasBrowser();
    worker.storage.isFull = true;
    if (way === "without") await signsOutWithoutTheServer(worker);
    else await worker.sends("POST", "/logout").answer;
    await worker.settles();
    expect(worker.storage.pagesOf("ada"), way).toEqual([]);
    worker.start();
    worker.server.isAway = true;
    expect(await worker.opensLate("/"), way).not.toContain("of ada");
    worker.server.isAway = false;
    await worker.opens("/login");
    expect(worker.server.account, way).toBeNull();
  }
});

test("two pages that come at once finish a sign-out once", async () => {
  const worker = await adasBrowser();
  await signsOutWithoutTheServer(worker);
  worker.server.isAway = false;
  worker.server.asked.length = 0;
  const both = [worker.sends("GET", "/"), worker.sends("GET", "/login")];
  await Promise.all(both.map(({ answer }) => answer));
  expect(worker.server.asked.filter((asked) => asked === "POST /logout")).toHaveLength(1);
});

test("Sign out is not waited for longer than a page, and holds once the server goes on", async () => {
  const worker = await adasBrowser();
  worker.server.instead = ({ url }) => (url.pathname === "/logout" ? new Promise(() => {}) : undefined);
  const { answer } = worker.sends("POST", "/logout");
  await worker.passes(4_000);
  expect((await answer).headers.get("location")).toBe("/login");
  worker.start();
  worker.server.instead = () => undefined;
  await worker.opens("/login");
  expect(worker.server.account).toBeNull();
});

test("a sign-out that the server refuses is none", async () => {
  const worker = await adasBrowser();
  worker.server.instead = ({ url }) => (url.pathname === "/logout" ? new Response("not from here", { status: 403 }) : undefined);
  expect((await worker.sends("POST", "/logout").answer).status).toBe(403);
  worker.server.instead = () => undefined;
  expect(await worker.opens("/")).toContain("/ of ada");
  expect(worker.server.asked.filter((asked) => asked === "POST /logout")).toHaveLength(1);
  expect(worker.storage.pagesOf("ada")).toContain("/");
});

test("storage that is broken takes the site from nobody who is online", async () => {
  const worker = await adasBrowser();
  worker.start();
  worker.storage.isBroken = true;
  expect(await worker.opens("/")).toContain("/ of ada");
  await worker.sends("POST", "/login?as=ben").answer;
  expect(await worker.opens("/")).toContain("/ of ben");
  await worker.sends("POST", "/logout").answer;
  expect(await worker.opens("/login")).toContain("/login of null");
  expect(await (await worker.sends("GET", "/pkg/a.js", "cors").answer).text()).toBe("{}");
  // Once it works again, pages are kept again.
  worker.storage.isBroken = false;
  await worker.sends("POST", "/login?as=ben").answer;
  await worker.opens("/");
  worker.server.isAway = true;
  expect(await worker.opensLate("/")).toContain("/ of ben");
});

test("after the longest a session can last without word from the server nothing of anybody's is shown", async () => {
  const worker = await adasBrowser();
  worker.server.isAway = true;
  await worker.passes(41_000_000);
  expect(await worker.opensLate("/")).toContain("/ of ada");
  await worker.passes(3_000_000);
  expect(await worker.opensLate("/")).not.toContain("of ada");
  worker.server.isAway = false;
  expect(await worker.opens("/")).toContain("/ of ada");
  worker.server.isAway = true;
  expect(await worker.opensLate("/")).toContain("/ of ada");
});
