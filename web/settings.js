/** The page's URL parameters, parsed once into a frozen value. Whatever is off is named, with the choices. */

/** @import { FakeFault, FakeScript, RuntimeName, Settings } from './types.js' */
/** @typedef {{modelIds: readonly string[], runtimes: readonly RuntimeName[]}} Choices what the server offers */

const MAX_THREADS = 4096;
const BACKENDS = 'wasm (as many threads as there are cores), wasm-N (N threads, such as wasm-1), webgpu';
const FAULTS = /** @type {const} */ (['wrong', 'nan', 'infinity', 'shape', 'throw', 'hang', 'crash']);
/** @type {FakeScript} */
const PLAIN_SCRIPT = Object.freeze({ session_ms: 0, durations_ms: Object.freeze([1]), pace_ms: 0, faults: Object.freeze({}) });

/** @type {Settings} */
const DEFAULTS = Object.freeze({
  autorun: false,
  models: null,
  backends: null,
  iterations: 30,
  deviceName: null,
  timeBudgetS: 120,
  warmup: 3,
  timeoutS: 300,
  placement: false,
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
  autorun: (text) => ({ autorun: oneOf(text, ['0', '1']) === '1' }),
  models: (text, { modelIds }) => ({ models: text === 'all' ? modelIds : list(text, (id) => oneOf(id, modelIds)) }),
  backends: (text) => ({ backends: list(text, backend) }),
  iterations: (text) => ({ iterations: wholeNumber(text, 1, 10_000) }),
  device: (text) => ({ deviceName: deviceName(text) }),
  time_budget: (text) => ({ timeBudgetS: seconds(text) }),
  warmup: (text) => ({ warmup: wholeNumber(text, 0, 1000) }),
  timeout: (text) => ({ timeoutS: seconds(text) }),
  placement: (text) => ({ placement: oneOf(text, ['0', '1']) === '1' }),
  runtime: (text, { runtimes }) => ({ runtime: oneOf(text, runtimes) }),
  fake: (text) => ({ fake: fakeScript(text) }),
};

/**
 * @param {string} search location.search
 * @param {Choices} choices
 * @returns {{settings: Settings, problems: readonly string[]}} problems: a sentence for every parameter that is off; it then has its default
 */
export function parseSettings(search, choices) {
  const query = new URLSearchParams(search);
  const known = Object.keys(PARAMETERS).filter((name) => name !== 'fake' || choices.runtimes.includes('fake'));
  /** @type {Partial<Settings>[]} */
  const parts = [];
  /** @type {string[]} */
  const problems = [];
  for (const name of new Set(query.keys())) {
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
  return { settings: Object.freeze(Object.assign({}, DEFAULTS, ...parts)), problems };
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
  if (text === 'wasm' || text === 'webgpu') return text;
  throw new Misfit(`is not a choice; the choices are ${BACKENDS}`);
}

/**
 * @param {string} text
 * @param {number} least
 * @param {number} greatest
 */
function wholeNumber(text, least, greatest) {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= greatest)) throw new Misfit(`is not a whole number from ${least} to ${greatest}`);
  return value;
}

/** @param {string} text */
function seconds(text) {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(value > 0 && value <= 86_400)) throw new Misfit('is not a number of seconds over 0 and at most 86400');
  return value;
}

/** @param {string} text */
function deviceName(text) {
  const name = text.trim();
  if (name.length < 1 || name.length > 200) throw new Misfit('is not a name of 1 to 200 characters');
  return name;
}

/**
 * @param {string} text
 * @returns {FakeScript}
 */
function fakeScript(text) {
  const script = parseObject(text);
  const unknown = Object.keys(script).find((key) => !Object.hasOwn(PLAIN_SCRIPT, key));
  if (unknown) throw new Misfit(`holds "${unknown}"; the keys are ${Object.keys(PLAIN_SCRIPT).join(', ')}`);
  const { session_ms, pace_ms, durations_ms, faults } = { ...PLAIN_SCRIPT, ...script };
  const durations = Array.isArray(durations_ms) ? [session_ms, pace_ms, ...durations_ms] : [];
  if (durations.length < 3 || !durations.every((value) => Number.isFinite(value) && value >= 0)) {
    throw new Misfit('needs durations that are numbers, 0 or greater, and one in durations_ms at least');
  }
  for (const fault of Object.values(faults)) oneOf(fault, /** @type {readonly FakeFault[]} */ (FAULTS));
  return Object.freeze({ session_ms, pace_ms, durations_ms, faults });
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
