/** The page's URL parameters, parsed once into a frozen value. Whatever is off is named, with the choices. */

import { PRESETS, PRESET_NAMES, presetOf } from './presets.js';

/** @import { RuntimeName } from './run_types.js' */
/** @import { FakeFault, FakeScript, Settings } from './types.js' */
/** @typedef {{modelIds: readonly string[], runtimes: readonly RuntimeName[]}} Choices what the server offers */

const MAX_THREADS = 4096;
const MAX_SEED = 2 ** 32 - 1;
/** The backends that have one form only. */
const PLAIN_BACKENDS = ['wasm', 'webgpu', 'webgl', 'webnn-cpu', 'webnn-gpu', 'webnn-npu'];
const BACKENDS = `wasm (as many threads as there are cores), wasm-N (N threads, such as wasm-1), ${PLAIN_BACKENDS.slice(1).join(', ')}`;
const ORDERS = /** @type {const} */ (['interleaved', 'sequential']);
const FAULTS = /** @type {const} */ (['wrong', 'nan', 'infinity', 'shape', 'throw', 'hang', 'crash', 'oom', 'backwards', 'stopped']);
/** @type {FakeScript} */
const PLAIN_SCRIPT = Object.freeze({ session_ms: 0, durations_ms: Object.freeze([1]), pace_ms: 0, faults: Object.freeze({}), placement: null });

/** @type {Settings} */
const DEFAULTS = Object.freeze({
  autorun: false,
  models: null,
  backends: null,
  preset: 'standard',
  ...PRESETS.standard,
  deviceName: null,
  warmup: null,
  endToEnd: 5,
  repeat: 1,
  order: 'interleaved',
  seed: null,
  timeoutS: 300,
  placement: false,
  profile: false,
  deviceId: null,
  fleetId: null,
  emulated: null,
  report: false,
  runtime: 'onnxruntime-web',
  fake: PLAIN_SCRIPT,
});

/** A value that a parameter does not take; the message says what it takes. */
class Misfit extends Error {}

/**
 * One parser per parameter: from its text to its part of the settings.
 * @type {Readonly<Record<string, (text: string, choices: Choices) => Partial<Settings>>>}
 */
const PARAMETERS = {
  autorun: (text) => ({ autorun: isYes(text) }),
  models: (text, { modelIds }) => ({ models: text === 'all' ? modelIds : list(text, (id) => oneOf(id, modelIds)) }),
  backends: (text) => ({ backends: list(text, backend) }),
  preset: (text) => PRESETS[oneOf(text, PRESET_NAMES)],
  iterations: (text) => ({ iterations: wholeNumber(text, 1, 10_000) }),
  min_time: (text) => ({ minTimeS: secondsOrNone(text) }),
  precision: (text) => ({ precision: share(text) }),
  device: (text) => ({ deviceName: shortText(text, 'name') }),
  time_budget: (text) => ({ timeBudgetS: seconds(text) }),
  warmup: (text) => ({ warmup: wholeNumber(text, 0, 1000) }),
  end_to_end: (text) => ({ endToEnd: wholeNumber(text, 0, 1000) }),
  repeat: (text) => ({ repeat: wholeNumber(text, 1, 100) }),
  order: (text) => ({ order: oneOf(text, ORDERS) }),
  seed: (text) => ({ seed: wholeNumber(text, 0, MAX_SEED) }),
  timeout: (text) => ({ timeoutS: seconds(text) }),
  placement: (text) => ({ placement: isYes(text) }),
  profile: (text) => ({ profile: isYes(text) }),
  device_id: (text) => ({ deviceId: uuid(text) }),
  fleet: (text) => ({ fleetId: uuid(text) }),
  emulated: (text) => ({ emulated: shortText(text, 'text') }),
  report: (text) => ({ report: isYes(text) }),
  runtime: (text, { runtimes }) => ({ runtime: oneOf(text, runtimes) }),
  fake: (text) => ({ fake: fakeScript(text) }),
};

/**
 * @param {string} search location.search
 * @param {Choices} choices
 * @returns {{settings: Settings, problems: readonly string[]}} problems: a sentence for every parameter that is off; it then has its
 *   default. A preset's numbers give way to those that are named.
 */
export function parseSettings(search, choices) {
  const query = new URLSearchParams(search);
  const known = Object.keys(PARAMETERS).filter((name) => name !== 'fake' || choices.runtimes.includes('fake'));
  const presetFirst = [...new Set(query.keys())].sort((one, other) => Number(other === 'preset') - Number(one === 'preset'));
  /** @type {Partial<Settings>[]} */
  const parts = [];
  /** @type {string[]} */
  const problems = [];
  for (const name of presetFirst) {
    const values = query.getAll(name);
    const parse = known.includes(name) ? PARAMETERS[name] : undefined;
    try {
      if (!parse) throw new Misfit(`is unknown; the parameters are ${known.join(', ')}`);
      if (values.length > 1) throw new Misfit('stands more than once; give it once');
      parts.push(parse(/** @type {string} */ (values[0]), choices));
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      problems.push(parse ? `${name}=${values.join(` and ${name}=`)} ${error.message}.` : `${name} ${error.message}.`);
    }
  }
  const settings = /** @type {Settings} */ (Object.assign({}, DEFAULTS, ...parts));
  return { settings: Object.freeze({ ...settings, preset: presetOf(settings) }), problems };
}

/** @param {string} text */
function isYes(text) {
  return oneOf(text, ['0', '1']) === '1';
}

/**
 * @template {string} Choice
 * @param {string} text
 * @param {readonly Choice[]} choices
 * @returns {Choice}
 */
function oneOf(text, choices) {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new Misfit(`is not a choice; the choices are ${choices.join(', ')}`);
  return found;
}

/**
 * @param {string} text
 * @param {(item: string) => string} parse
 */
function list(text, parse) {
  const items = text.split(',').map((item) => item.trim());
  return Object.freeze([...new Set(items.map((item) => within(item, text, parse)))]);
}

/**
 * Name the item that is off when it is one of several.
 * @param {string} item
 * @param {string} whole
 * @param {(item: string) => string} parse
 */
function within(item, whole, parse) {
  try {
    return parse(item);
  } catch (error) {
    if (error instanceof Misfit && item !== whole) throw new Misfit(`holds "${item}", which ${error.message}`);
    throw error;
  }
}

/** @param {string} text */
function backend(text) {
  const threads = /^wasm-(\d{1,4})$/.exec(text)?.[1];
  if (threads !== undefined && Number(threads) >= 1 && Number(threads) <= MAX_THREADS) return `wasm-${Number(threads)}`;
  if (PLAIN_BACKENDS.includes(text)) return text;
  throw new Misfit(`is not a choice; the choices are ${BACKENDS}`);
}

/**
 * @param {string} text
 * @param {number} least
 * @param {number} greatest
 */
function wholeNumber(text, least, greatest) {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= greatest)) throw new Misfit(`is not a whole number from ${least} to ${greatest}`);
  return value;
}

/** @param {string} text */
function seconds(text) {
  const value = decimal(text);
  if (!(value > 0 && value <= 86_400)) throw new Misfit('is not a number of seconds over 0 and at most 86400');
  return value;
}

/** @param {string} text */
function secondsOrNone(text) {
  const value = decimal(text);
  if (!(value <= 86_400)) throw new Misfit('is not a number of seconds from 0 (none) to 86400');
  return value;
}

/**
 * @param {string} text per cent
 * @returns {number} from 0 to 1
 */
function share(text) {
  const value = decimal(text);
  if (!(value > 0 && value <= 100)) throw new Misfit('is not a number of per cent over 0 and at most 100');
  return value / 100;
}

/**
 * @param {string} text
 * @returns {number} NaN where it is no plain number, 0 or greater
 */
function decimal(text) {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
}

/**
 * @param {string} text
 * @param {string} kind what it is
 */
function shortText(text, kind) {
  const trimmed = text.trim();
  if (trimmed.length < 1 || trimmed.length > 200) throw new Misfit(`is not a ${kind} of 1 to 200 characters`);
  return trimmed;
}

/** @param {string} text */
function uuid(text) {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new Misfit('is not a UUID in lower case');
  return text;
}

/**
 * @param {string} text
 * @returns {FakeScript}
 */
function fakeScript(text) {
  const script = parseObject(text);
  const unknown = Object.keys(script).find((key) => !Object.hasOwn(PLAIN_SCRIPT, key));
  if (unknown) throw new Misfit(`holds "${unknown}"; the keys are ${Object.keys(PLAIN_SCRIPT).join(', ')}`);
  const { session_ms, pace_ms, durations_ms, faults, placement } = { ...PLAIN_SCRIPT, ...script };
  const durations = Array.isArray(durations_ms) ? [session_ms, pace_ms, ...durations_ms] : [];
  if (durations.length < 3 || !durations.every((value) => Number.isFinite(value) && value >= 0)) {
    throw new Misfit('needs durations that are numbers, 0 or greater, and one in durations_ms at least');
  }
  for (const fault of Object.values(faults)) oneOf(fault, /** @type {readonly FakeFault[]} */ (FAULTS));
  return Object.freeze({ session_ms, pace_ms, durations_ms, faults, placement });
}

/**
 * @param {string} text
 * @returns {Partial<FakeScript>}
 */
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Misfit('is not a JSON object');
}
