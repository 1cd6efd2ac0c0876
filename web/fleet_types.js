/** What the server tells of fleets: timings/fleet_records.py field by field; tests/web/test_types.py compares the two. */

/** @typedef {'waiting' | 'starting' | 'running' | 'done' | 'failed' | 'unreachable' | 'stopped'} DeviceState */

/**
 * One device of a fleet. Null is "none, or not known".
 * @typedef {object} DeviceLine
 * @property {string} device
 * @property {string} host
 * @property {string} kind
 * @property {string | null} browser
 * @property {DeviceState} state
 * @property {string | null} model
 * @property {string | null} backend
 * @property {number | null} sample
 * @property {number | null} samples
 * @property {number | null} last_ms
 * @property {number} runs_over
 * @property {number} runs
 * @property {number} runs_failed
 * @property {number} warnings
 * @property {number | null} remaining_s
 * @property {string | null} note
 */

/**
 * A fleet as its command sees it.
 * @typedef {object} FleetTable
 * @property {string} fleet_id
 * @property {string} started_at
 * @property {string} server_url
 * @property {boolean} over
 * @property {readonly DeviceLine[]} devices
 */

/** @typedef {FleetTable & {age_s: number}} ToldTable `age_s`: how long ago the command told it. */

/**
 * A page of its own accord.
 * @typedef {object} PageProgress
 * @property {string | null} fleet_id
 * @property {string} device_id
 * @property {string} device_name
 * @property {string} browser
 * @property {'ready' | 'running' | 'done' | 'invalid'} state
 * @property {string | null} model
 * @property {string | null} backend
 * @property {number | null} sample
 * @property {number | null} samples
 * @property {number | null} last_ms
 * @property {number} runs_over
 * @property {number} runs
 * @property {number} runs_failed
 * @property {number} warnings
 * @property {number | null} remaining_s
 */

export {};
