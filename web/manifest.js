/** models/manifest.json, read at the edge: what follows may rely on it. */

import { ZooError } from './errors.js';
import { fetchJson } from './http.js';

/** @import { Manifest } from './manifest_types.js' */
/** @import { Config } from './types.js' */

/** @typedef {'string' | 'number' | 'array' | 'object'} Kind */

/** What the page reads of a model, and of a variant. The builder and the server check the rest. */
const MODEL_FIELDS = /** @type {const} */ ({
  id: 'string', title: 'string', task: 'string', input: 'object', outputs: 'array', postprocessing: 'object', weights: 'object',
  references: 'array', variants: 'array',
});
const VARIANT_FIELDS = /** @type {const} */ ({
  name: 'string', path: 'string', sha256: 'string', bytes: 'number', macs: 'number', operators: 'object', support: 'array',
  observations: 'array', tolerances: 'array',
});

/**
 * @returns {Promise<Manifest>}
 * @throws {ZooError} when it cannot be had, or is none of this version
 */
export async function loadManifest() {
  return parseManifest(await fetchJson('/models/manifest.json'));
}

/**
 * @returns {Promise<Config>}
 * @throws {ZooError} when it cannot be had
 */
export async function loadConfig() {
  const asked = Date.now();
  const config = await fetchJson('/api/config');
  const answered = Date.now();
  requireFields(config, { page_version: 'string', onnxruntime_web: 'object', runtimes: 'array', server_time: 'string' }, '/api/config');
  const { server_time: text, ...rest } = /** @type {Omit<Config, 'clock_offset_s'> & {server_time: string}} */ (config);
  const serverTime = Date.parse(text);
  if (Number.isNaN(serverTime)) throw misfit('/api/config.server_time', text, 'a moment of ISO 8601');
  // The answer was made somewhere between asking and reading it: the middle is off by half of that at most.
  return { ...rest, clock_offset_s: ((asked + answered) / 2 - serverTime) / 1000 };
}

/**
 * @param {any} value
 * @returns {Manifest}
 * @throws {ZooError} naming the field that is off
 */
function parseManifest(value) {
  requireFields(value, { schema_version: 'number', models: 'array' }, 'the manifest');
  if (value.schema_version !== 2) throw misfit('schema_version', value.schema_version, '2');
  if (value.models.length === 0) throw misfit('models', 'none', 'one model at least');
  for (const [index, model] of value.models.entries()) {
    requireFields(model, MODEL_FIELDS, `models.${index}`);
    if (model.variants.length === 0) throw misfit(`models.${index}.variants`, 'none', 'one variant at least');
    for (const [at, variant] of model.variants.entries()) requireFields(variant, VARIANT_FIELDS, `models.${index}.variants.${at}`);
  }
  return value;
}

/**
 * @param {any} value
 * @param {Readonly<Record<string, Kind>>} fields
 * @param {string} where
 */
function requireFields(value, fields, where) {
  if (kindOf(value) !== 'object') throw misfit(where, kindOf(value), 'object');
  for (const [name, kind] of Object.entries(fields)) {
    if (kindOf(value[name]) !== kind) throw misfit(`${where}.${name}`, kindOf(value[name]), kind);
  }
}

/** @param {unknown} value */
function kindOf(value) {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/**
 * @param {string} where
 * @param {unknown} got
 * @param {string} expected
 */
function misfit(where, got, expected) {
  return new ZooError(`The server sent something that this page cannot read: ${where}`, {
    got: String(got),
    expected,
    next: 'reload the page; if that does not help, run python -m builder all and restart the server',
  });
}
