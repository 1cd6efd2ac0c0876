/**
 * An ONNX file of one Relu over one number, whose session starts the runtime: onnxruntime-web compiles its WebAssembly and makes its
 * threads when it makes its first session, and not before. Made with onnx.helper, opset 17, IR version 8;
 * tests/web/test_start_model.py makes it anew and compares. Base64, for a module has no bytes.
 */
const RELU = 'CAg6PwoMCgF4EgF5IgRSZWx1EgVzdGFydFoTCgF4Eg4KDAgBEggKAggBCgIIAWITCgF5Eg4KDAgBEggKAggBCgIIAUIECgAQEQ==';

/** @returns {Uint8Array<ArrayBuffer>} */
export function startModel() {
  return Uint8Array.from(atob(RELU), (character) => character.charCodeAt(0));
}
