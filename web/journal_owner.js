/**
 * Whose batch it is: a batch in the journal belongs to the page that runs it for as long as that page lives. Where browsers have them
 * (secure contexts), Web Locks tell, because they end with their page, however that ends. Elsewhere pages ask one another.
 */

const PREFIX = 'browser-zoo.journal.';
/** A living page answers within milliseconds; a lock of a page that was just reloaded may take a moment to be released. */
const PATIENCE_MS = 400;

/** @type {Map<string, () => void>} What this page holds, and how to let it go. */
const held = new Map();

/**
 * This page begins that batch: nobody else has it.
 * @param {string} batchId
 */
export function hold(batchId) {
  if (held.has(batchId)) return;
  if (navigator.locks) void claimLock(batchId);
  else answerFor(batchId, new BroadcastChannel(PREFIX + batchId));
}

/**
 * @param {string} batchId of a batch that some page has left, or is still running
 * @returns {Promise<boolean>} whether it is this page's now: no living page had it
 */
export function claim(batchId) {
  if (held.has(batchId)) return Promise.resolve(true);
  return navigator.locks ? claimLock(batchId) : askAround(batchId);
}

/** @param {string} batchId */
export function letGo(batchId) {
  held.get(batchId)?.();
  held.delete(batchId);
}

/**
 * @param {string} batchId
 * @returns {Promise<boolean>}
 */
function claimLock(batchId) {
  return new Promise((resolve, reject) => {
    const keep = () =>
      new Promise((/** @type {(value?: undefined) => void} */ release) => {
        held.set(batchId, release);
        resolve(true);
      });
    const patience = AbortSignal.timeout(PATIENCE_MS);
    navigator.locks.request(PREFIX + batchId, { signal: patience }, keep).catch((error) => {
      if (error === patience.reason) resolve(false);
      else reject(error);
    });
  });
}

/**
 * Of two pages that ask at the same time, the one with the greater number has it.
 * @param {string} batchId
 * @returns {Promise<boolean>}
 */
async function askAround(batchId) {
  const channel = new BroadcastChannel(PREFIX + batchId);
  const own = Math.random();
  let isFree = true;
  channel.onmessage = ({ data }) => {
    if (data > own) isFree = false;
    else channel.postMessage(own);
  };
  channel.postMessage(own);
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  if (isFree) answerFor(batchId, channel);
  else channel.close();
  return isFree;
}

/**
 * Tell whoever asks that this page has the batch.
 * @param {string} batchId
 * @param {BroadcastChannel} channel
 */
function answerFor(batchId, channel) {
  channel.onmessage = () => channel.postMessage(Infinity);
  held.set(batchId, () => channel.close());
}
