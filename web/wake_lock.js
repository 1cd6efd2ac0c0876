/**
 * Keep the screen on while something is measured: a phone that goes to sleep stops measuring. Browsers release the lock when the
 * page is hidden, so it is asked for again when it is shown.
 * @returns {() => void} lets the screen sleep again
 */
export function keepAwake() {
  /** @type {WakeLockSentinel | undefined} */
  let lock;
  const acquire = async () => {
    if (document.hidden || !navigator.wakeLock) return;
    try {
      lock = await navigator.wakeLock.request('screen');
    } catch {
      // Refused, on low battery for instance. The measurement is as good; only a sleeping phone would interrupt it.
    }
  };
  document.addEventListener('visibilitychange', acquire);
  void acquire();
  return () => {
    document.removeEventListener('visibilitychange', acquire);
    void lock?.release();
  };
}
