/** The tables of a profile, the greatest share first. */

import { html } from './dom.js';
import { milliseconds } from './format.js';

/** @import { NodeTime, OperatorTime, Profile } from './profile_types.js' */
/** @typedef {NodeTime | OperatorTime} Line */
/**
 * @template {Line} Of
 * @typedef {{field: string, title: string, numeric?: boolean, text: (line: Of) => string}} Column
 */

const PLACES = { wasm: 'WebAssembly', webgpu: 'WebGPU' };
/** @type {readonly Column<Line>[]} */
const BOTH = [{ field: 'share', title: 'Share', numeric: true, text: ({ share }) => `${(100 * share).toFixed(1)} %` }];
/** @type {readonly Column<Line>[]} */
const PLACE = [{ field: 'backend', title: 'Runs on', text: ({ backend }) => PLACES[backend] }];
/** @type {readonly Column<NodeTime>[]} */
const INPUTS = [{ field: 'inputs', title: 'Inputs', text: ({ inputs }) => inputs }];
/** @type {readonly Column<OperatorTime>[]} */
const OPERATOR = [
  { field: 'operator', title: 'Operator', text: ({ operator }) => operator },
  { field: 'nodes', title: 'Nodes', numeric: true, text: ({ nodes }) => String(nodes) },
  { field: 'sum_ms', title: 'Sum, ms', numeric: true, text: ({ sum_ms: ms }) => milliseconds(ms) },
];
/** @type {readonly Column<NodeTime>[]} */
const NODE = [
  { field: 'node', title: 'Node', text: ({ node }) => node },
  { field: 'operator', title: 'Operator', text: ({ operator }) => operator },
  { field: 'node_ms', title: 'Median, ms', numeric: true, text: ({ median_ms: ms }) => milliseconds(ms) },
];

/**
 * By operator: sum, share, number of nodes.
 * @param {Profile} profile
 */
export function operatorTable(profile) {
  return table('profile-operators', [...OPERATOR, ...BOTH, ...placeColumn(profile)], profile.operators);
}

/**
 * By node: median and share.
 * @param {Profile} profile
 */
export function nodeTable(profile) {
  return table('profile-node-times', [...NODE, ...BOTH, ...placeColumn(profile), ...INPUTS], profile.nodes);
}

/**
 * Where nodes run is said only where they can run in more than one place.
 * @param {Profile} profile
 */
function placeColumn({ backend }) {
  return backend === 'wasm' ? [] : PLACE;
}

/**
 * @template {Line} Of
 * @param {string} name
 * @param {readonly Column<Of>[]} columns
 * @param {readonly Of[]} lines
 */
function table(name, columns, lines) {
  const kind = (/** @type {Column<Of>} */ { numeric }) => (numeric ? 'numeric' : null);
  const head = columns.map((column) => html('th', { scope: 'col', class: kind(column) }, column.title));
  const rows = lines.map((line) => html('tr', {}, ...columns.map((column) => html('td', { 'data-field': column.field, class: kind(column) }, column.text(line)))));
  return html('table', { class: name }, html('thead', {}, html('tr', {}, ...head)), html('tbody', {}, ...rows));
}
