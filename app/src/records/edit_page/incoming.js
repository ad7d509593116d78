// "What changed", on a form whose record somebody else has saved: asked of the server each time it is opened, with what
// the form says now. Nothing is saved or loaded by looking.
{
  // Of several questions only the last is answered.
  let asked = 0;
  const failures = { 401: "Sign in again to see what changed.", 413: "What stands in the form is too large to be compared." };
  addEventListener(
    "toggle",
    async ({ target }) => {
      const place = target.open && target.matches("[data-incoming]") && target.querySelector("div");
      if (!place) return;
      const mine = ++asked;
      place.textContent = "Asking…";
      const form = target.closest("form");
      const body = new URLSearchParams();
      for (const { name, value, type, checked, dataset } of form.elements) {
        // What nobody may see does not leave the page before Save.
        if (name && !("secret" in dataset) && (checked || !["checkbox", "radio"].includes(type))) body.append(name, value);
      }
      const headers = { accept: "application/json" };
      const signal = AbortSignal.timeout(15000);
      const answer = await fetch(form.dataset.incomingUrl, { method: "POST", body, headers, redirect: "error", signal }).catch(() => {});
      const part = answer?.headers.has("x-inkfast-part") && (await answer.text().catch(() => {}));
      if (mine !== asked) return;
      if (part) place.innerHTML = part;
      else place.textContent = `${failures[answer?.status] ?? "That cannot be told at the moment."} Your text is not touched by it; close and open this to ask again.`;
    },
    true,
  );
  // What was told is of what the form said then.
  addEventListener("input", ({ target }) => {
    const told = target.form?.querySelector("[data-incoming][open]");
    if (!told) return;
    asked++;
    told.open = false;
    told.querySelector("div").textContent = "";
  });
}
