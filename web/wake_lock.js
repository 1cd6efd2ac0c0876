/** Keep the screen on while something is measured: a phone that goes to sleep stops measuring. */

/** @typedef {'held' | 'refused' | 'unsupported'} WakeLockState */

/** Browsers answer within milliseconds; one that does not is not waited for. */
const PATIENCE_MS = 500;

/** What the browser answered last, whoever asked; null: it has not answered yet, or not been asked. @type {'held' | 'refused' | null} */
let answer = null;

/**
 * Browsers release the lock when the page is hidden, so it is asked for again when it is shown.
 * @returns {{asked: Promise<void>, release: () => void, state: () => WakeLockState}} `asked`: kept once the browser has answered, or has
 *     had time to; `release` lets the screen sleep again; `state`: the last answer, where "unsupported" is also said of a browser that
 *     gave none: a refusal that was not seen is not claimed
 */
export function keepAwake() {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  let isReleased = false;
  const acquire = async () => {
    if (document.hidden || isReleased || !navigator.wakeLock) return;
    try {
      const granted = await navigator.wakeLock.request('screen');
      [lock, answer] = [granted, 'held'];
      granted.addEventListener('release', () => {
        if (!isReleased && !document.hidden) answer = 'refused'; // Taken back from a page that is seen, when the battery runs low for instance.
      });
      if (isReleased) await granted.release();
    } catch {
      if (!document.hidden) answer = 'refused'; // state() says so, and it becomes a warning. A hidden page is refused because it is hidden.
    }
  };
  document.addEventListener('visibilitychange', acquire);
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  return {
    asked: Promise.race([acquire(), patience]).then(() => undefined),
    release: () => {
      isReleased = true;
      document.removeEventListener('visibilitychange', acquire);
      void lock?.release();
    },
    state: () => (navigator.wakeLock && answer) || 'unsupported',
  };
}

/**
 * Nothing is begun before the browser has answered, so that what is recorded at once knows the answer too.
 * @template Result
 * @param {(state: () => WakeLockState) => Promise<Result>} work given what tells whether the screen is kept on
 * @returns {Promise<Result>}
 */
export async function whileAwake(work) {
  const { asked, release, state } = keepAwake();
  await asked;
  try {
    return await work(state);
  } finally {
    release();
  }
}
