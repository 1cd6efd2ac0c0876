/**
 * The events of onnxruntime's profiler, made into times of nodes and operators. What 1.30 prints at its end, a line an event, all times
 * in microseconds (seen in Chromium 156 and Firefox 153, November 2026):
 *
 *     {"cat" : "Session", ..., "dur" :247794,"ts" :298919,"ph" : "X","name" :"model_run","args" : {}},
 *     {"cat" : "Node", ..., "dur" :1560,"ts" :33860,...,"name" :"node_Conv_809_kernel_time","args" : {"provider" : "CPUExecutionProvider",
 *         "op_name" : "FusedConv","node_index" : "100", ...}},
 *     {"cat" : "Api", ..., "dur" :583383,"ts" :8506892,...,"name" :"node_Conv_815_token_12&Conv&MatMul", ...},
 *
 * The last is of WebGPU only: one kernel on the GPU's own clock, which runs apart from the others'. A node that runs on the GPU has a
 * Node event too, but that is the time to hand its kernels over, not to compute them.
 */

import { ZooError } from './errors.js';
import { percentile } from './statistics.js';

/** @import { NodeTime, OperatorTime, Times } from './profile_types.js' */
/** @typedef {{cat: string, name: string, ts: number, dur: number, args: Readonly<Record<string, unknown>>}} Event */
/** A node, and its time in each inference, warm-up included. */
/** @typedef {{node: string, operator: string, backend: 'wasm' | 'webgpu', inputs: string, events: number, times: Float64Array}} Row */

const NODE_SUFFIX = '_kernel_time';
const MICROSECONDS = 1000;

/**
 * @param {readonly string[]} lines what was printed
 * @param {{backend: 'wasm' | 'webgpu', warmup: number}} asked `warmup`: so many inferences came first, and do not count
 * @returns {Times}
 * @throws {ZooError} when the events cannot be read, or there are none
 */
export function readProfile(lines, { backend, warmup }) {
  const events = lines.map(readLine).filter((event) => event !== null);
  const runs = events.filter(({ cat, name }) => cat === 'Session' && name === 'model_run').sort((a, b) => a.ts - b.ts);
  if (runs.length <= warmup) throw unreadable(`${runs.length} inferences`, `more than the ${warmup} of the warm-up`);
  const rows = [...processorRows(events, runs), ...(backend === 'webgpu' ? gpuRows(events, runs.length) : [])];
  if (rows.length === 0) throw unreadable('no operator', 'the time of each');
  const iterations = runs.length - warmup;
  const nodes = bySize(withShares(rows.map((row) => nodeTime(row, warmup, runs.length)), ({ median_ms: ms }) => ms), ({ median_ms: ms }) => ms);
  return {
    clock: backend === 'webgpu' ? 'gpu' : 'processor',
    iterations,
    inference_ms: median(runs.slice(warmup).map(({ dur }) => dur / MICROSECONDS)),
    nodes_ms: nodes.reduce((sum, { median_ms: ms }) => sum + ms, 0),
    operators: operatorTimes(nodes),
    nodes,
  };
}

/**
 * @param {string} line
 * @returns {Event | null} null for the brackets around the events
 */
function readLine(line) {
  const text = line.trim().replace(/,$/, '');
  if (text === '[' || text === ']' || text === '') return null;
  try {
    const { cat, name, ts, dur, args } = JSON.parse(text);
    if (typeof cat === 'string' && typeof name === 'string' && Number.isFinite(ts) && Number.isFinite(dur)) return { cat, name, ts, dur, args: args ?? {} };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw unreadable(`the line ${JSON.stringify(text.slice(0, 200))}`, 'an event in JSON');
}

/**
 * The nodes that ran on the processor. What ran inside another (in a loop or a branch) is taken off the other's time.
 * @param {readonly Event[]} events
 * @param {readonly Event[]} runs by time
 * @returns {Row[]}
 */
function processorRows(events, runs) {
  const nodes = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith(NODE_SUFFIX)).sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const own = ownTimes(nodes);
  /** @type {Map<string, Row>} */
  const rows = new Map();
  nodes.forEach((event, index) => {
    const { provider, op_name: operator, node_index: place, input_type_shape: inputs } = event.args;
    const run = runs.findIndex(({ ts, dur }) => event.ts >= ts && event.ts <= ts + dur);
    if (provider !== 'CPUExecutionProvider' || run < 0) return;
    const node = nameOf(event);
    const row = rowOf(rows, `${place} ${node}`, { node, operator: String(operator), backend: 'wasm', inputs: shapes(inputs) }, runs.length);
    row.events += 1;
    row.times[run] = (row.times[run] ?? 0) + (own[index] ?? 0) / MICROSECONDS;
  });
  return [...rows.values()];
}

/**
 * @param {readonly Event[]} events by time, the longer first where two begin together
 * @returns {number[]} each one's time without what lies inside it
 */
function ownTimes(events) {
  const own = events.map(({ dur }) => dur);
  /** @type {number[]} */
  const around = [];
  events.forEach(({ ts, dur }, index) => {
    while (around.length > 0 && ends(events[/** @type {number} */ (around.at(-1))]) < ts + dur) around.pop();
    const parent = around.at(-1);
    if (parent !== undefined) own[parent] = /** @type {number} */ (own[parent]) - dur;
    around.push(index);
  });
  return own;
}

/** @param {Event} event of a node */
function nameOf({ name }) {
  return name.endsWith(NODE_SUFFIX) ? name.slice(0, -NODE_SUFFIX.length) : name;
}

/**
 * @param {unknown} inputs such as [{"float":[1,32,112,112]},{"float":[32]}]
 * @returns {string} such as 1×32×112×112, 32
 */
function shapes(inputs) {
  if (!Array.isArray(inputs)) return '';
  return inputs.map((input) => Object.values(input ?? {}).map((sides) => (Array.isArray(sides) ? sides.join('×') || 'scalar' : ''))).join(', ');
}

/** @param {Event | undefined} event */
function ends(event) {
  return event ? event.ts + event.dur : -Infinity;
}

/**
 * The nodes that ran on the GPU. Its clock runs apart from the processor's, so that only the order tells which inference a kernel belongs
 * to; a node whose number of kernels changes from one to the next gets the same part of their time in each.
 * @param {readonly Event[]} events
 * @param {number} runs
 * @returns {Row[]}
 */
function gpuRows(events, runs) {
  const inputs = new Map(events.filter(({ cat }) => cat === 'Node').map((event) => [nameOf(event), shapes(event.args['input_type_shape'])]));
  /** @type {Map<string, {node: string, operator: string, durations: number[]}>} */
  const kernels = new Map();
  for (const { cat, name, dur } of events) {
    const parts = name.split('&');
    if (cat !== 'Api' || parts.length < 3) continue;
    const [node, operator] = [parts.slice(0, -2).join('&'), /** @type {string} */ (parts.at(-2))];
    const found = kernels.get(`${operator} ${node}`) ?? { node, operator, durations: [] };
    kernels.set(`${operator} ${node}`, found);
    found.durations.push(dur / MICROSECONDS);
  }
  return [...kernels.values()].map(({ node, operator, durations }) => {
    const times = new Float64Array(runs);
    const each = durations.length / runs;
    if (Number.isInteger(each)) durations.forEach((ms, index) => { times[Math.floor(index / each)] = (times[Math.floor(index / each)] ?? 0) + ms; });
    else times.fill(durations.reduce((sum, ms) => sum + ms, 0) / runs);
    return { node, operator, backend: 'webgpu', inputs: inputs.get(node) ?? '', events: durations.length, times };
  });
}

/**
 * @param {Map<string, Row>} rows
 * @param {string} key
 * @param {Pick<Row, 'node' | 'operator' | 'backend' | 'inputs'>} names
 * @param {number} runs
 */
function rowOf(rows, key, names, runs) {
  const row = rows.get(key) ?? { ...names, events: 0, times: new Float64Array(runs) };
  rows.set(key, row);
  return row;
}

/**
 * @param {Row} row
 * @param {number} warmup
 * @param {number} runs
 * @returns {Omit<NodeTime, 'share'>}
 */
function nodeTime({ node, operator, backend, inputs, events, times }, warmup, runs) {
  const durations = [...times.subarray(warmup)];
  const calls = backend === 'webgpu' ? 1 : Math.round((events / runs) * 100) / 100;
  return { node, operator, backend, inputs, calls, median_ms: median(durations), durations_ms: durations };
}

/**
 * @param {readonly NodeTime[]} nodes
 * @returns {readonly OperatorTime[]}
 */
function operatorTimes(nodes) {
  /** @type {Map<string, {operator: string, backend: 'wasm' | 'webgpu', nodes: number, sum_ms: number}>} */
  const found = new Map();
  for (const { operator, backend, median_ms: ms } of nodes) {
    const before = found.get(`${backend} ${operator}`) ?? { operator, backend, nodes: 0, sum_ms: 0 };
    found.set(`${backend} ${operator}`, { ...before, nodes: before.nodes + 1, sum_ms: before.sum_ms + ms });
  }
  return bySize(withShares([...found.values()], ({ sum_ms: ms }) => ms), ({ sum_ms: ms }) => ms);
}

/**
 * @template Item
 * @param {readonly Item[]} items
 * @param {(item: Item) => number} size
 * @returns {(Item & {share: number})[]}
 */
function withShares(items, size) {
  const whole = items.reduce((sum, item) => sum + size(item), 0);
  return items.map((item) => ({ ...item, share: whole > 0 ? size(item) / whole : 0 }));
}

/**
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => number} size
 * @returns {Item[]} the greatest first; equal ones stay in the order in which they ran
 */
function bySize(items, size) {
  return items.sort((a, b) => size(b) - size(a));
}

/** @param {readonly number[]} values at least one */
function median(values) {
  return percentile(Float64Array.from(values).sort(), 50);
}

/**
 * @param {string} got
 * @param {string} expected
 */
function unreadable(got, expected) {
  return new ZooError("The runtime's profile cannot be read", { got, expected, next: 'reload the page and profile again; if that does not help, report it with the name of the network' });
}
