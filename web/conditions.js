/** What the device does while it measures: whether the page is seen, and what the battery says. */

/** What TypeScript's DOM library lacks: the battery, of Chromium's family. */
/** @typedef {EventTarget & {level: number, charging: boolean}} BatteryManager */
/** @typedef {Navigator & {getBattery?: () => Promise<BatteryManager>}} BatteryNavigator */

/** @typedef {{level: number | null, charging: boolean | null}} Battery Null is "not told by this browser". */

/**
 * @typedef {object} ConditionsWatch
 * @property {() => number} timesHidden How often the page was hidden since the watch began, counting a page that was hidden then.
 * @property {() => boolean} isHidden
 * @property {() => Promise<void>} whenVisible At once if it is.
 * @property {() => Battery} battery
 * @property {() => void} stop
 */

/**
 * Watches from now on.
 * @returns {ConditionsWatch}
 */
export function watchConditions() {
  let times = document.hidden ? 1 : 0;
  const look = () => {
    if (document.hidden) times += 1;
  };
  document.addEventListener('visibilitychange', look);

  /** @type {BatteryManager | null} */
  let manager = null;
  void findBattery().then((found) => {
    manager = found;
  });

  return {
    timesHidden: () => times,
    isHidden: () => document.hidden,
    whenVisible,
    battery: () => ({ level: manager?.level ?? null, charging: manager?.charging ?? null }),
    stop: () => document.removeEventListener('visibilitychange', look),
  };
}

/** @returns {Promise<void>} */
function whenVisible() {
  return new Promise((resolve) => {
    if (!document.hidden) return resolve();
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
  });
}

/** @returns {Promise<BatteryManager | null>} */
async function findBattery() {
  try {
    return (await /** @type {BatteryNavigator} */ (navigator).getBattery?.()) ?? null;
  } catch {
    return null; // The browser refuses to tell, by a permissions policy for instance, which is its right: the fields stay null.
  }
}
