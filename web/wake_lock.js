/** Keep the screen on while something is measured: a phone that goes to sleep stops measuring. */

/** @typedef {'held' | 'refused' | 'unsupported'} WakeLockState */

/**
 * Browsers release the lock when the page is hidden, so it is asked for again when it is shown.
 * @returns {{release: () => void, state: () => WakeLockState}} `release` lets the screen sleep again; `state`: whether the lock is
 *     held now ("refused" also while the browser has not answered yet)
 */
export function keepAwake() {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  let isReleased = false;
  const acquire = async () => {
    if (document.hidden || !navigator.wakeLock) return;
    try {
      lock = await navigator.wakeLock.request('screen');
      if (isReleased) await lock.release();
    } catch {
      lock = null; // Refused, on low battery for instance: state() says so, and it becomes a warning beside the measurement.
    }
  };
  document.addEventListener('visibilitychange', acquire);
  void acquire();
  return {
    release: () => {
      isReleased = true;
      document.removeEventListener('visibilitychange', acquire);
      void lock?.release();
    },
    state: () => (!navigator.wakeLock ? 'unsupported' : lock && !lock.released ? 'held' : 'refused'),
  };
}
