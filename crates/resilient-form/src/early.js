// Records what is typed before the islands run, so that it survives whatever comes next. Secrets are
// never recorded. Touched controls are marked as well, which works where storage is forbidden.
(() => {
  const pause = 150;
  /** What lies here longer than this tab is to be sealed, and what seals is not there yet. Or nothing is kept here. */
  const { localDrafts } = document.documentElement.dataset;
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
    if (!form || form.hasAttribute("data-enhanced") || localDrafts === "off") return;
    const { account, formKey, writer, draftUrl } = form.dataset;
    const entry = { v: 1, version: form.elements.namedItem("_version").value, values: {}, base: {}, draft_url: draftUrl };
    for (const control of form.querySelectorAll("[data-touched]")) {
      const column = control.name.slice(2);
      const none = form.elements.namedItem("n." + column);
      entry.values[column] = none && none.checked && !control.value ? null : control.value;
      entry.base[column] = baseline(control);
    }
    try {
      (localDrafts ? sessionStorage : localStorage).setItem(`inkfast:1:early:${account}:${formKey}:${writer}`, JSON.stringify(entry));
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

  addEventListener("input", touched, true);
  addEventListener("change", touched, true);
  addEventListener("pagehide", record);
  document.addEventListener("visibilitychange", record);
})();
