// Small conveniences that need no island: the rail's filter as you type, `/` to the search field, and
// addresses without the filters that were left empty.
addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-rail-filter]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const item of event.target.closest("nav").querySelectorAll("li")) {
    item.hidden = wanted !== "" && !item.textContent.toLowerCase().includes(wanted);
  }
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
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
