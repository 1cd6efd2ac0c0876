/**
 * Runs that the server does not have yet, in IndexedDB, one record per run: they outlive the tab, the browser and the device's battery.
 * Pages up to version 0.2.0 kept them in localStorage; what one of those left there is taken over.
 */

/** @import { Run } from './run_types.js' */
/** @typedef {{run: Run, refused: string | null}} Kept a run not sent yet; `refused` is the server's reason for never taking it */

const DATABASE = 'browser-zoo';
const UNSENT = 'unsent';
const LEGACY = 'browser-zoo.unsent.';
/** Some versions of Safari never answer the opening of a database, so no answer counts as a refusal (WebKit bug 226547). */
const PATIENCE_MS = 3000;

/**
 * Keep this run, in place of what was kept of it before. Resolves once it is on the disk.
 * @param {Kept} kept
 * @throws where IndexedDB is blocked or full
 */
export async function putRun(kept) {
  await transact('readwrite', (store) => store.put(kept));
  dropLegacy(kept.run.run_id);
}

/**
 * Forget this run. Harmless if it is not there.
 * @param {string} runId
 * @throws where IndexedDB is blocked
 */
export async function dropRun(runId) {
  dropLegacy(runId);
  await transact('readwrite', (store) => store.delete(runId));
}

/**
 * Every run that is kept, the oldest first.
 * @returns {Promise<readonly Kept[]>}
 * @throws where IndexedDB is blocked
 */
export async function allRuns() {
  const kept = /** @type {Kept[]} */ (await transact('readonly', (store) => store.getAll()));
  return kept.sort((one, other) => one.run.started_at.localeCompare(other.run.started_at));
}

/**
 * What an earlier page kept in localStorage. What cannot be read is left where it is: it may be a newer page's.
 * @returns {readonly Kept[]}
 */
export function legacyRuns() {
  return legacyKeys().flatMap((key) => {
    try {
      const kept = /** @type {Kept} */ (JSON.parse(localStorage.getItem(key) ?? ''));
      return kept.run.run_id === key.slice(LEGACY.length) ? [kept] : [];
    } catch {
      return [];
    }
  });
}

/** @returns {string[]} */
function legacyKeys() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(LEGACY));
  } catch {
    return []; // Storage is blocked: an earlier visit could not keep anything either.
  }
}

/** @param {string} runId */
function dropLegacy(runId) {
  try {
    localStorage.removeItem(LEGACY + runId);
  } catch {
    // Storage is blocked, so it holds nothing to remove.
  }
}

/**
 * One transaction on a connection of its own: none is held open, so that none can have gone stale.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>} once the transaction is complete; "strict" means written to the disk, not to a buffer
 */
async function transact(mode, ask) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(UNSENT, mode, { durability: 'strict' });
      const request = ask(transaction.objectStore(UNSENT));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new DOMException('The transaction was given up.', 'AbortError'));
    });
  } finally {
    database.close();
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const late = () => reject(new DOMException(`IndexedDB did not answer within ${PATIENCE_MS / 1000} s.`, 'TimeoutError'));
    const timer = setTimeout(late, PATIENCE_MS);
    // Throws where storage is blocked altogether, which rejects.
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(UNSENT, { keyPath: 'run.run_id' });
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      clearTimeout(timer);
      resolve(request.result);
    };
  });
}
