/**
 * Tells the server how far this page is, for a fleet that opened it in a browser into which no driver can look (report=1 in the address).
 *
 * Only then, because a request uses the processor and the network of a device that is timing something: where a driver sees the page
 * itself, it is not needed. It is small, one is under way at a time, none follows another within 2 s but for a change of the page's state, and
 * what becomes of it nobody waits for: a server that is gone, slow or full changes nothing here.
 */

import { byId } from './dom.js';

/** @import { Environment } from './environment.js' */

const EVERY_MS = 2000;
const PATIENCE_MS = 1500;
const STATES = ['ready', 'running', 'done', 'invalid'];

/**
 * Until the page is gone.
 * @param {string | null} fleetId
 * @param {Environment} environment
 * @param {() => string} deviceName
 */
export function startReporting(fleetId, { device_id: deviceId, browser, browser_version: version }, deviceName) {
  const root = document.documentElement;
  const identity = { fleet_id: fleetId, device_id: deviceId, browser: `${browser} ${version}` };
  let timer = 0;
  const tell = () => {
    window.clearTimeout(timer);
    const { state = '' } = root.dataset;
    if (!STATES.includes(state)) return;
    void post({ ...identity, device_name: deviceName().trim().slice(0, 200) || 'unnamed', state, ...progressNow() });
    if (state === 'running') timer = window.setTimeout(tell, EVERY_MS);
  };
  new MutationObserver(tell).observe(root, { attributeFilter: ['data-state'] });
  tell();
}

/** What #progress tells drivers, as the server takes it. */
function progressNow() {
  const told = byId('progress', HTMLElement).dataset;
  const { runs = '0' } = document.documentElement.dataset;
  return {
    model: told.model ?? null,
    backend: told.backend ?? null,
    sample: numberOf(told.sample),
    samples: numberOf(told.samples),
    last_ms: numberOf(told.lastMs),
    remaining_s: numberOf(told.remainingS),
    runs_over: numberOf(told.runsOver) ?? 0,
    runs: Number(runs),
    runs_failed: numberOf(told.runsFailed) ?? 0,
    warnings: numberOf(told.warnings) ?? 0,
  };
}

/** @param {string | undefined} text */
function numberOf(text) {
  return text === undefined ? null : Number(text);
}

/** @param {object} progress */
async function post(progress) {
  try {
    await fetch('/api/progress', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(progress),
      priority: 'low',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    // Nobody waits for it; the next one tells the same, and more.
  }
}
