// Where a device is to keep nothing of what is typed: no text is written, and what was written before that was so is read.
globalThis.resilientSeal = { seal() {}, open() {}, removed() {} };
