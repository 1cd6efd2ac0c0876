/**
 * Where onnxruntime placed a model's nodes, read from what it logs while it makes a session: it says so nowhere else. Of verbose
 * logging, session_state.cc in 1.30 prints either
 *
 *     [V:onnxruntime:, session_state.cc:1380 VerifyEachNodeIsAssignedToAnEp]  All nodes placed on [CPUExecutionProvider]. Number of nodes: 30
 *
 * or, for each provider,
 *
 *     ... VerifyEachNodeIsAssignedToAnEp]  Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 2
 *     ... VerifyEachNodeIsAssignedToAnEp]   Relu (its name)
 *     ... VerifyEachNodeIsAssignedToAnEp]   MemcpyToHost (Memcpy_token_0)
 *
 * nodes of subgraphs included.
 */

/** @import { Placement } from '../run_types.js' */
/** @import { RuntimeLog } from './ort_log.js' */

const PROVIDERS = new Map([
  ['CPUExecutionProvider', 'wasm'],
  ['WebGpuExecutionProvider', 'webgpu'],
  ['WebNNExecutionProvider', 'webnn'],
]);
const VERBOSE = /\[[VIW]:onnxruntime:/;
const SPEAKER = 'VerifyEachNodeIsAssignedToAnEp]';
const TOTAL = /^ +(All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)$/;
const NODE = /^ +(\S+) \(.*\)$/s;
/** Stands for all operators: where every node is in one place, the runtime tells only how many there are. */
const ANY_OPERATOR = '*';

/**
 * Make a session that logs everything, and read where its nodes are.
 * @template Session
 * @param {RuntimeLog} log
 * @param {() => Promise<Session>} create
 * @returns {Promise<{session: Session, placement: Placement | null}>} null: not told, or not in a form that can be read
 */
export async function withPlacement(log, create) {
  /** @type {string[]} */
  const lines = [];
  const take = (/** @type {string} */ line) => VERBOSE.test(line) && lines.push(line) > 0;
  const session = await log.read(take, create);
  return { session, placement: readPlacement(lines) };
}

/**
 * The nodes by backend and operator.
 * @param {readonly string[]} log
 * @returns {Placement | null}
 */
export function readPlacement(log) {
  /** @type {Record<string, Record<string, number>>} */
  const placement = {};
  /** @type {{total: number, counts: Record<string, number>, listed: boolean}[]} */
  const providers = [];
  for (const line of log) {
    const said = line.split(SPEAKER, 2)[1];
    const [, scope, name = '', number] = TOTAL.exec(said ?? '') ?? [];
    const operator = NODE.exec(said ?? '')?.[1];
    if (scope) {
      const backend = PROVIDERS.get(name);
      if (!backend || placement[backend]) return null;
      const listed = scope !== 'All nodes';
      placement[backend] = listed ? {} : { [ANY_OPERATOR]: Number(number) };
      providers.push({ total: Number(number), counts: placement[backend], listed });
    } else if (operator) {
      const counts = providers.at(-1)?.counts;
      if (!counts) return null;
      counts[operator] = (counts[operator] ?? 0) + 1;
    }
  }
  const isWhole = providers.every(({ total, counts }) => Object.values(counts).reduce((sum, count) => sum + count, 0) === total);
  return providers.length > 0 && isWhole ? placement : null;
}
