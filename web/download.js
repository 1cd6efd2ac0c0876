import { ZooError, explain } from './errors.js';
import { refusal } from './http.js';

/** @import { FileEntry } from './manifest_types.js' */
/** @typedef {{bytes: Uint8Array, ms: number, cached: boolean | null, hashed: boolean}} Downloaded */

/**
 * A response that brings nothing for so long is given up and asked for once more. Firefox 153 under WebDriver BiDi now and then stops
 * in the midst of a large one that the server has sent whole (2 of 34 downloads, of 29 and 189 MB).
 */
const STALL_MS = 30_000;
const TIMING_PATIENCE_MS = 100;
const TIMING_STEP_MS = 10;

/**
 * A file of the models folder, whole and checked: its length always, its SHA-256 where this context has crypto.subtle (a secure one).
 * @param {FileEntry} file
 * @param {(bytes: number) => void} onBytes called with how many bytes have come so far
 * @returns {Promise<Downloaded>} `ms` is the fetching alone; `cached` null where the browser does not tell
 * @throws {ZooError} when it cannot be had whole and unchanged
 */
export async function download(file, onBytes) {
  try {
    return await downloadOnce(file, onBytes);
  } catch (error) {
    if (!(error instanceof Stalled)) throw error;
  }
  try {
    return await downloadOnce(file, onBytes);
  } catch (error) {
    throw error instanceof Stalled ? incomplete(file, explain(error)) : error;
  }
}

/** Nothing came for a long time. */
class Stalled extends Error {}

/**
 * @param {FileEntry} file
 * @param {(bytes: number) => void} onBytes
 * @returns {Promise<Downloaded>}
 */
async function downloadOnce(file, onBytes) {
  const url = new URL(`/models/${file.path}?sha256=${file.sha256}`, self.location.href).href;
  const begin = performance.now();
  const controller = new AbortController();
  const response = await request(url, file, controller.signal);
  const bytes = await readBody(response, file, onBytes).finally(() => controller.abort());
  const ms = performance.now() - begin;
  const hashed = await checkHash(bytes, file);
  return { bytes, ms, cached: await cameFromCache(url), hashed };
}

/**
 * @param {string} url
 * @param {FileEntry} file
 * @param {AbortSignal} signal
 */
async function request(url, file, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    throw incomplete(file, explain(error));
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * @param {Response} response
 * @param {FileEntry} file
 * @param {(bytes: number) => void} onBytes
 */
async function readBody(response, file, onBytes) {
  const bytes = new Uint8Array(file.bytes);
  let received = 0;
  try {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (let part = await soon(reader.read(), received); !part.done; part = await soon(reader.read(), received)) {
      if (received + part.value.length > file.bytes) throw new Error(`more than ${file.bytes} bytes came`);
      bytes.set(part.value, received);
      received += part.value.length;
      onBytes(received);
    }
  } catch (error) {
    if (error instanceof Stalled) throw error;
    throw incomplete(file, `${received} bytes, then ${explain(error)}`);
  }
  if (received !== file.bytes) throw incomplete(file, `${received} bytes`);
  return bytes;
}

/**
 * What the promise brings, or Stalled when it brings nothing for too long.
 * @template Value
 * @param {Promise<Value>} promise
 * @param {number} received for the message
 * @returns {Promise<Value>}
 */
async function soon(promise, received) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const stalled = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Stalled(`${received} bytes, then nothing for ${STALL_MS / 1000} s`)), STALL_MS);
  });
  try {
    return await /** @type {Promise<Value>} */ (Promise.race([promise, stalled]));
  } finally {
    clearTimeout(timer);
  }
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

/**
 * @param {FileEntry} file
 * @param {string} got
 */
function incomplete(file, got) {
  return new ZooError(`The download of ${file.path} broke off`, {
    got,
    expected: `${file.bytes} bytes`,
    next: 'check the connection and that the server still runs, then start again',
  });
}
