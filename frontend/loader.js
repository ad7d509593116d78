// Loads the module and hydrates the islands, outermost first. `data-hydrated` on <html> says that they run;
// on a page with a form the form's own island says so, once it has taken over what was typed.
const place = document.querySelector("script[data-inkfast-loader]").dataset;
const openChildren = [];

async function load(query) {
  const module = await import(place.js + query);
  await module.default({ module_or_path: place.wasm + query });
  return module;
}

// A failed import is remembered by the browser for its address: the second try has another one.
const loadTwice = () => load("").catch(() => new Promise((later) => setTimeout(later, 1000)).then(() => load("?again")));

async function hydrateIsland(island, module) {
  const start = module[island.dataset.component];
  if (!start) throw new Error(`no island ${island.dataset.component} in the module`);
  // Lets the island around this one provide what its children ask for.
  openChildren.at(-1)?.();
  await start(island);
}

async function walk(node, module) {
  const tag = node.tagName.toLowerCase();
  if (tag === "leptos-island") await hydrateIsland(node, module);
  if (tag === "leptos-children") openChildren.push(node.$$on_hydrate);
  for (const child of [...node.children]) await walk(child, module);
  if (tag === "leptos-children") openChildren.pop();
}

try {
  const module = await loadTwice();
  module.hydrate();
  await walk(document.body, module);
  if (!document.querySelector("form[data-resilient-form]:not([data-enhanced])")) {
    document.documentElement.setAttribute("data-hydrated", "");
  }
} catch (failure) {
  // The page works without the islands.
  console.error("The islands do not run:", failure);
}
