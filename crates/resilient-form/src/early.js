// Records what is typed before the islands run, so that it survives whatever comes next. Secrets are
// never recorded. Touched controls are marked as well, which works where storage is forbidden.
(() => {
  const pause = 150;
  let form, timer;

  const baseline = (control) => {
    const column = control.name.slice(2);
    const hidden = (name) => form.elements.namedItem(name);
    if (hidden("bn." + column)) return null;
    if (hidden("b." + column)) return hidden("b." + column).defaultValue;
    const none = hidden("n." + column);
    if (none && none.defaultChecked) return null;
    if (control.options) {
      const drawn = [...control.options].find((option) => option.defaultSelected) || control.options[0];
      return drawn ? drawn.value : "";
    }
    return control.defaultValue;
  };

  const record = () => {
    clearTimeout(timer);
    timer = 0;
    if (!form || form.hasAttribute("data-enhanced")) return;
    const { account, formKey, writer, draftUrl } = form.dataset;
    const entry = { v: 1, version: form.elements.namedItem("_version").value, values: {}, base: {}, draft_url: draftUrl };
    for (const control of form.querySelectorAll("[data-touched]")) {
      const column = control.name.slice(2);
      const none = form.elements.namedItem("n." + column);
      entry.values[column] = none && none.checked && !control.value ? null : control.value;
      entry.base[column] = baseline(control);
    }
    try {
      localStorage.setItem(`inkfast:1:early:${account}:${formKey}:${writer}`, JSON.stringify(entry));
    } catch {
      // Full or forbidden: the marks are enough while the page lives.
    }
  };

  const touched = ({ target }) => {
    const owner = target.form;
    if (!owner || !owner.hasAttribute("data-resilient-form") || owner.hasAttribute("data-enhanced")) return;
    if (!/^[vn]\./.test(target.name)) return;
    const control = owner.elements.namedItem("v." + target.name.slice(2));
    if (!control || control.hasAttribute("data-secret")) return;
    form = owner;
    control.setAttribute("data-touched", "");
    timer ||= setTimeout(record, pause);
  };

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
  addEventListener("input", touched, true);
  addEventListener("change", touched, true);
  addEventListener("pagehide", record);
  document.addEventListener("visibilitychange", record);
})();
