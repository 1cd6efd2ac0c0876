/** Fetching a file whole over a network that comes and goes. */

import { ZooError, explain } from './errors.js';
import { refusal } from './http.js';

/**
 * Told how many bytes have come, of how many (null: the server did not say), and why nothing comes at the moment.
 * @typedef {(received: number, total: number | null, waiting: string | null) => void} OnBytes
 */
/** @typedef {{url: string, name: string, bytes: number | null}} Source what to fetch, its name for people, its length where that is known */
/** @typedef {{bytes: Uint8Array<ArrayBuffer>, attempts: number, type: string}} Fetched `type` is what the server calls its content */

/**
 * A response that brings nothing for so long is given up. Firefox 153 under WebDriver BiDi now and then stops in the midst of a large
 * one that the server has sent whole (2 of 34 downloads, of 29 and 189 MB). Shorter than web/supervisor.js waits for a word.
 */
const STALL_MS = 20_000;
/** Before the second attempt and the third: a phone that changes from one network to another takes some seconds. */
const PAUSES_MS = [1000, 5000];

/** The network failed, which may pass. */
class Interrupted extends Error {}

/**
 * A file, whole. What an attempt has brought when the network fails is kept, and the next one asks for the rest only, if the server
 * vouches that the file is still the same.
 * @param {Source} source
 * @param {OnBytes} onBytes
 * @returns {Promise<Fetched>}
 * @throws {ZooError} when three attempts have not brought it, or the server refuses it, or it is longer than it should be
 */
export async function fetchWhole(source, onBytes) {
  const arrival = new Arrival(source);
  for (let attempts = 1; ; attempts += 1) {
    try {
      await attempt(source, arrival, onBytes);
      return { bytes: arrival.whole(), attempts, type: arrival.type };
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const pause = PAUSES_MS[attempts - 1];
      if (pause === undefined) throw incomplete(source, arrival, `${error.message}; that was attempt ${attempts}`);
      onBytes(arrival.received, arrival.total, `The connection failed (${error.message}): trying again in ${pause / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/**
 * @param {Source} source
 * @param {Arrival} arrival
 * @param {OnBytes} onBytes
 */
async function attempt(source, arrival, onBytes) {
  const controller = new AbortController();
  const soon = (/** @type {Promise<any>} */ promise) => within(STALL_MS, promise, () => `${arrival.received} bytes, then nothing for ${STALL_MS / 1000} s`);
  try {
    /** @type {Response} */
    const response = await soon(fetch(source.url, { signal: controller.signal, headers: arrival.headersForTheRest() }));
    if (!response.ok) throw await refusalOf(response, arrival);
    arrival.begin(response);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (let part = await soon(reader.read()); !part.done; part = await soon(reader.read())) {
      if (!arrival.take(part.value)) throw incomplete(source, arrival, `more than ${arrival.total} bytes`);
      onBytes(arrival.received, arrival.total, null);
    }
  } catch (error) {
    if (error instanceof ZooError || error instanceof Interrupted || !isOfTheNetwork(error)) throw error;
    throw new Interrupted(`${arrival.received} bytes, then ${explain(error)}`);
  } finally {
    controller.abort();
  }
  // Firefox 153 reports no error where fewer bytes came than were announced.
  if (arrival.isShort()) throw new Interrupted(`${arrival.received} bytes`);
}

/**
 * @param {Response} response
 * @param {Arrival} arrival
 * @returns {Promise<Error>}
 */
async function refusalOf(response, arrival) {
  if (response.status !== 416) return refusal(response);
  arrival.startOver();
  return new Interrupted('the server has another file by now');
}

/**
 * What fetch and its body's reader throw where the network fails: a TypeError (Chromium, Firefox, Safari), or an AbortError, as Firefox 153
 * says of a connection that the server closed (fetch.spec.whatwg.org calls both a network error). Anything else, a lack of memory say, is
 * no reason to ask again.
 * @param {unknown} error
 */
function isOfTheNetwork(error) {
  return error instanceof TypeError || error instanceof DOMException;
}

/** What has come so far, over one attempt or several. */
class Arrival {
  /** @param {Source} source */
  constructor({ bytes }) {
    this.expected = bytes;
    /** @type {number | null} */
    this.total = bytes;
    this.received = 0;
    this.type = '';
    /** @type {string | null} By which the server recognises this very file. */
    this.validator = null;
    /** @type {Uint8Array<ArrayBuffer> | null} Filled from its beginning, where the length is known. */
    this.buffer = null;
    /** @type {Uint8Array[]} Where it is not. */
    this.parts = [];
  }

  /** @returns {Record<string, string>} */
  headersForTheRest() {
    if (this.received === 0 || this.validator === null) return {};
    return { Range: `bytes=${this.received}-`, 'If-Range': this.validator };
  }

  startOver() {
    this.received = 0;
    this.validator = null;
    this.parts = [];
  }

  /**
   * A response begins: to the rest, if it says so and begins where the last one ended, else to the whole.
   * @param {Response} response
   */
  begin({ status, headers }) {
    if (status === 206 && headers.get('Content-Range')?.startsWith(`bytes ${this.received}-`)) return;
    this.startOver();
    this.type = headers.get('Content-Type') ?? '';
    // What is packed for the way has another length than what is read here, and parts of it cannot be put together.
    const isPacked = headers.has('Content-Encoding');
    const announced = Number(headers.get('Content-Length') ?? NaN);
    this.total = this.expected ?? (isPacked || !Number.isSafeInteger(announced) ? null : announced);
    const etag = headers.get('ETag');
    this.validator = isPacked || etag?.startsWith('W/') ? null : etag;
    if (this.total !== null && this.buffer?.length !== this.total) this.buffer = new Uint8Array(this.total);
  }

  /**
   * @param {Uint8Array} part
   * @returns {boolean} whether there was still room for it
   */
  take(part) {
    if (this.total !== null && this.received + part.length > this.total) return false;
    if (this.total === null) this.parts.push(part);
    else this.buffer?.set(part, this.received);
    this.received += part.length;
    return true;
  }

  isShort() {
    return this.total !== null && this.received < this.total;
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  whole() {
    if (this.total !== null && this.buffer) return this.buffer;
    const joined = new Uint8Array(this.received);
    let place = 0;
    for (const part of this.parts) {
      joined.set(part, place);
      place += part.length;
    }
    return joined;
  }
}

/**
 * What the promise brings, or Interrupted when it brings nothing for too long.
 * @template Value
 * @param {number} ms
 * @param {Promise<Value>} promise
 * @param {() => string} explanation
 * @returns {Promise<Value>}
 */
async function within(ms, promise, explanation) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const stalled = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Interrupted(explanation())), ms);
  });
  try {
    return await /** @type {Promise<Value>} */ (Promise.race([promise, stalled]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {Source} source
 * @param {Arrival} arrival
 * @param {string} got
 */
function incomplete({ name }, { total }, got) {
  return new ZooError(`The download of ${name} broke off`, {
    got,
    expected: total === null ? 'the whole file' : `${total} bytes`,
    next: 'check the connection and that the server still runs, then start again',
  });
}
