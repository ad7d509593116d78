// "What changed", on a form whose record somebody else has saved: asked of the server each time it is opened, with what
// the form says now. Nothing is saved or loaded by looking.
addEventListener(
  "toggle",
  async ({ target }) => {
    const place = target.open && target.matches("[data-incoming]") && target.querySelector("div");
    if (!place) return;
    place.textContent = "Asking…";
    const form = target.closest("form");
    const body = new URLSearchParams();
    for (const { name, value, type, checked, dataset } of form.elements) {
      // What nobody may see does not leave the page before Save.
      if (name && !("secret" in dataset) && (checked || !["checkbox", "radio"].includes(type))) body.append(name, value);
    }
    const answer = await fetch(form.dataset.incomingUrl, { method: "POST", body, redirect: "error", signal: AbortSignal.timeout(15000) }).catch(() => {});
    const part = answer?.headers.has("x-inkfast-part") && (await answer.text().catch(() => {}));
    if (part) place.innerHTML = part;
    else place.textContent = "That cannot be told at the moment. Your text is not touched by it; close and open this to ask again.";
  },
  true,
);
