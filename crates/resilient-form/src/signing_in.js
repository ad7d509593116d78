// For the page with the form that signs in: a sign-out that was promised while the server was away is finished first, and
// other tabs hear that somebody is here.
(() => {
  const signOut = "inkfast:1:sign-out";

  // Somebody signed out while the server was away. Where it still is, the promise stays.
  const finishSigningOut = async (drops) => {
    const signal = AbortSignal.timeout(5_000);
    const tell = (url, method) => fetch(url, { method, redirect: "manual", signal, body: method === "POST" ? new URLSearchParams() : null });
    await Promise.all(drops.map((drop) => tell(drop, "DELETE").catch(() => {})));
    const { type } = await tell(document.body.dataset.signOutUrl ?? "/logout", "POST");
    if (type === "opaqueredirect") localStorage.removeItem(signOut);
  };

  // Whoever signs in anew is not to be signed out by an earlier promise to do so, and no attempt to sign in undoes one: it
  // is kept first. And other tabs hear only of a change, even where the same account comes back.
  const signingIn = (event) => {
    const { target } = event;
    // The dialog over a form does the same once it has signed in.
    if (new URL(target.action).pathname !== (document.body.dataset.signInUrl ?? "/login") || target.closest("dialog")) return;
    try {
      localStorage.removeItem("inkfast:1:account");
      const promised = JSON.parse(localStorage.getItem(signOut));
      if (!promised) return;
      event.preventDefault();
      const goOn = () => target.submit();
      finishSigningOut(promised).then(goOn, goOn);
    } catch {
      // Forbidden, or not ours: there is no promise either.
    }
  };

  addEventListener("submit", signingIn, true);
})();
