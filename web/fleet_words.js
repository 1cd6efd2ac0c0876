/** A fleet in words: its cells, how it stands, until when. */

import { counted, milliseconds } from './format.js';

/** @import { DeviceLine, DeviceState, ToldTable } from './fleet_types.js' */
/** @typedef {{field: string, title: string, numeric?: boolean, text: (line: DeviceLine, endsAt: Date | null) => string}} Column */

/** The first is the row's head. @type {readonly Column[]} */
export const COLUMNS = [
  { field: 'device', title: 'Device', text: ({ device }) => device },
  { field: 'host', title: 'Host', text: ({ host }) => host },
  { field: 'browser', title: 'Browser', text: ({ browser, kind }) => (browser ? `${browser} (${kind})` : kind) },
  { field: 'state', title: 'State', text: ({ state }) => state },
  { field: 'model', title: 'Network', text: ({ model }) => model ?? '' },
  { field: 'backend', title: 'Backend', text: ({ backend }) => backend ?? '' },
  { field: 'sample', title: 'Sample', numeric: true, text: ({ sample, samples }) => of(sample, samples) },
  { field: 'last_ms', title: 'Last, ms', numeric: true, text: ({ last_ms: ms }) => (ms === null ? '' : milliseconds(ms)) },
  { field: 'runs', title: 'Runs over', numeric: true, text: ({ runs_over: over, runs }) => of(over, runs) },
  { field: 'runs_failed', title: 'Failed', numeric: true, text: ({ runs_failed: failed }) => String(failed) },
  { field: 'warnings', title: 'Warnings', numeric: true, text: ({ warnings }) => String(warnings) },
  { field: 'ends', title: 'Ends about', numeric: true, text: (_, endsAt) => (endsAt ? clock(endsAt) : '') },
  { field: 'note', title: 'Note', text: ({ note }) => note ?? '' },
];

/** In the order in which a device goes through them. @type {readonly DeviceState[]} */
const STATES = ['waiting', 'starting', 'running', 'done', 'failed', 'unreachable', 'stopped'];
const GOING_ON = ['waiting', 'starting', 'running'];
/** Nobody waits for an end that is further away, so it is none. */
const MOST_S = 30 * 86_400;
const DAY_MS = 86_400_000;

/**
 * How many devices there are, and in which states.
 * @param {ToldTable} table
 */
export function standing({ over, devices }) {
  const states = STATES.map((state) => ({ state, count: devices.filter((line) => line.state === state).length }));
  const words = states.filter(({ count }) => count > 0).map(({ state, count }) => `${count} ${state}`);
  return `${over ? 'Over. ' : ''}${counted(devices.length, 'device')}${words.length > 0 ? `: ${words.join(', ')}` : ''}.`;
}

/**
 * How many runs are over, of all.
 * @param {ToldTable} table
 */
export function runsInWords({ devices }) {
  const sum = (/** @type {'runs_over' | 'runs' | 'runs_failed'} */ name) => devices.reduce((total, line) => total + line[name], 0);
  const failed = sum('runs_failed');
  return `${sum('runs_over')} of ${counted(sum('runs'), 'run')} over${failed > 0 ? `, ${failed} failed` : ''}.`;
}

/**
 * When a device will be done; null where that is not known.
 * @param {DeviceLine} line
 * @param {number} toldAtMs when that was estimated, by this device's clock
 */
export function endOf({ state, remaining_s: remaining }, toldAtMs) {
  if (remaining === null || remaining > MOST_S || !GOING_ON.includes(state)) return null;
  return new Date(toldAtMs + 1000 * remaining);
}

/**
 * A moment by this device's clock, with its day where it is not near.
 * @param {Date} moment
 */
export function clock(moment) {
  const time = moment.toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  if (Math.abs(moment.getTime() - Date.now()) < DAY_MS / 2) return time;
  return `${moment.toLocaleDateString('en', { month: 'short', day: 'numeric' })}, ${time}`;
}

/**
 * @param {number | null} k
 * @param {number | null} n
 */
function of(k, n) {
  if (k === null) return '';
  return n === null ? String(k) : `${k} of ${n}`;
}
