import { ZooError } from './errors.js';
import { fetchWhole } from './fetch_whole.js';

/** @import { FileEntry } from './manifest_types.js' */
/** @import { OnBytes } from './fetch_whole.js' */
/** @typedef {{bytes: Uint8Array<ArrayBuffer>, ms: number, cached: boolean | null, hashed: boolean}} Downloaded */

const TIMING_PATIENCE_MS = 100;
const TIMING_STEP_MS = 10;
/** What every WebAssembly file begins with (webassembly.github.io/spec/core/binary/modules.html). */
const WASM_MAGIC = '\0asm';

/**
 * A file of the models folder, whole and checked: its length always, its SHA-256 where this context has crypto.subtle (a secure one).
 * @param {FileEntry} file
 * @param {OnBytes} onBytes
 * @returns {Promise<Downloaded>} `ms` lasts from the request to the last byte, what the network lost included; `cached` is null where
 *   the browser does not tell
 * @throws {ZooError} when it cannot be had whole and unchanged
 */
export async function download(file, onBytes) {
  const url = new URL(`/models/${file.path}?sha256=${file.sha256}`, self.location.href).href;
  const begin = performance.now();
  const { bytes, attempts } = await fetchWhole({ url, name: file.path, bytes: file.bytes }, onBytes);
  const ms = performance.now() - begin;
  const hashed = await checkHash(bytes, file);
  return { bytes, ms, cached: attempts > 1 ? false : await cameFromCache(url), hashed };
}

/**
 * A WebAssembly file of a package that the server serves beside the page. Nothing but its own first bytes vouches for it.
 * @param {string} url
 * @param {OnBytes} onBytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {ZooError} when it cannot be had whole, or is something else
 */
export async function downloadWasm(url, onBytes) {
  const name = new URL(url).pathname.split('/').at(-1) ?? url;
  const { bytes, type } = await fetchWhole({ url, name, bytes: null }, onBytes);
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  if (start.startsWith(WASM_MAGIC)) return bytes;
  throw new ZooError(`${name} is no WebAssembly`, {
    got: `${bytes.length} bytes of type ${type || 'unknown'} that begin with ${JSON.stringify(start)}`,
    expected: `a file that begins with ${JSON.stringify(WASM_MAGIC)}`,
    next: 'reload the page; if that does not help, run npm ci on the server, and see that nothing on the way to it answers in its place',
  });
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {FileEntry} file
 * @returns {Promise<boolean>} whether it could be checked
 */
async function checkHash(bytes, file) {
  if (!globalThis.crypto?.subtle) return false;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (sha256 === file.sha256) return true;
  throw new ZooError(`${file.path} is not the file that the manifest describes`, {
    got: `SHA-256 ${sha256}`,
    expected: `SHA-256 ${file.sha256}`,
    next: 'reload the page; if that does not help, run python -m builder all on the server',
  });
}

/**
 * Whether the browser's cache had the file, as its resource timing tells. Firefox 153 files that entry a moment after the body has
 * come, so it is waited for a little.
 * @param {string} url
 * @returns {Promise<boolean | null>} null where the browser does not tell
 */
async function cameFromCache(url) {
  for (let patience = TIMING_PATIENCE_MS; patience > 0; patience -= TIMING_STEP_MS) {
    const entry = performance.getEntriesByName(url, 'resource').at(-1);
    if (entry instanceof PerformanceResourceTiming && entry.decodedBodySize > 0) return entry.transferSize === 0;
    await new Promise((resolve) => setTimeout(resolve, TIMING_STEP_MS));
  }
  return null;
}
