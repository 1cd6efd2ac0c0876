/** @import { Profile } from './profile_types.js' */

/** A spreadsheet takes a text that begins with one of these for a formula; an apostrophe before it keeps it a text. */
const FORMULA_START = /^[=+\-@\t\r\n]/;
const SPECIAL = /[",\r\n]/;

/**
 * A line per node, the greatest share first, as RFC 4180 has it; what holds for the whole profile stands in each.
 * @param {Profile} profile
 * @returns {string}
 */
export function profileCsv({ nodes, ...whole }) {
  const { profiled_at, model, variant, model_sha256, backend, threads, browser, browser_version, runtime, runtime_version, clock, iterations, inference_ms } = whole;
  const common = { profiled_at, model, variant, model_sha256, backend, threads, browser, browser_version, runtime, runtime_version, clock, iterations, inference_ms };
  const rows = nodes.map(({ node, operator, backend: ran_on, inputs, calls, median_ms, share }) => ({ ...common, node, operator, ran_on, inputs, calls, median_ms, share }));
  const names = [...Object.keys(common), 'node', 'operator', 'ran_on', 'inputs', 'calls', 'median_ms', 'share'];
  return [names, ...rows.map((row) => Object.values(row))].map((cells) => `${cells.map(cellText).join(',')}\r\n`).join('');
}

/** @param {string | number} value */
function cellText(value) {
  const text = typeof value === 'string' && FORMULA_START.test(value) ? `'${value}` : String(value);
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
