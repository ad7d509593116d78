// Small conveniences that need no island: the rail's filter as you type, `/` to the search field, `?` to the list of keys,
// and addresses without the filters that were left empty.
const singleKeys = {
  place: "inkfast:1:single-keys",
  get areOff() {
    try {
      return localStorage.getItem(this.place) === "off";
    } catch {
      return false;
    }
  },
  listen(on) {
    try {
      if (on) localStorage.removeItem(this.place);
      else localStorage.setItem(this.place, "off");
    } catch {
      // Storage is forbidden: it holds for no page.
    }
  },
};
addEventListener("input", ({ target }) => {
  if (target.matches?.("[data-single-keys]")) singleKeys.listen(target.checked);
  if (!target.matches?.("[data-rail-filter]")) return;
  const wanted = target.value.trim().toLowerCase();
  for (const item of target.closest("nav").querySelectorAll("li")) {
    item.hidden = wanted !== "" && !item.textContent.toLowerCase().includes(wanted);
  }
});
addEventListener(
  "beforetoggle",
  ({ target }) => {
    const box = target.querySelector("[data-single-keys]");
    if (box) box.checked = !singleKeys.areOff;
  },
  true,
);
addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (!["/", "?"].includes(key) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || singleKeys.areOff) return;
  if (target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable], dialog")) return;
  if (key === "?") {
    const list = document.getElementById("keys");
    if (!list) return;
    event.preventDefault();
    list.togglePopover();
    if (list.matches(":popover-open")) list.focus();
    return;
  }
  const field = document.querySelector("[data-search]") ?? document.querySelector("[data-rail-filter]");
  if (!field?.checkVisibility()) return;
  event.preventDefault();
  field.focus();
  field.select();
});
addEventListener("submit", ({ target }) => {
  if (!target.matches(".filters-panel, .search, .rail-filter")) return;
  for (const control of target.elements) control.disabled = control.name !== "" && control.value === "";
});
addEventListener("pageshow", () => {
  for (const control of document.querySelectorAll(".filters-panel :disabled, .search :disabled, .rail-filter :disabled")) {
    control.disabled = false;
  }
});
