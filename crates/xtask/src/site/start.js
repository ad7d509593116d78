// Instead of wasm-bindgen's own start, which knows ways to call it that nobody uses here: the loader has the answer already,
// and has seen that it is a module. Loading may be tried again.
let wasm;
async function start({ module_or_path: answer }) {
  const imports = __wbg_get_imports();
  // Browsers take no parameter after the type while a module is still on its way.
  const isPlain = answer.headers.get("content-type") === "application/wasm";
  const { instance } = isPlain
    ? await WebAssembly.instantiateStreaming(answer, imports)
    : await WebAssembly.instantiate(await answer.arrayBuffer(), imports);
  wasm = instance.exports;
  wasm.__wbindgen_start();
}

export { start as default };
