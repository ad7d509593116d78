// Where a device is to keep nothing of what is typed, or not as text and what seals it is not there yet: nothing is written,
// and what was written before that was so is read.
globalThis.resilientSeal = { isLocked: document.documentElement.dataset.localDrafts === "sealed", seal() {}, open() {}, removed() {} };
