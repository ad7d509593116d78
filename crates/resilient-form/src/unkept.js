// Where a device is to keep nothing of what is typed, or not as text and what seals it is not there yet: only marks, times and
// numbers are written, and what was written before that was so is read.
globalThis.resilientSeal = {
  isLocked: document.documentElement.dataset.localDrafts === "sealed",
  seal: (name, text) => (/^inkfast:1:(draft|outbox|saved|early):/.test(name) ? undefined : text),
  open() {},
  removed() {},
};
