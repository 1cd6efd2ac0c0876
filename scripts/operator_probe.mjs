/** Puts ONNX models to onnxruntime-web and says what became of each. Runs in Node and, imported, in a page. */

const PLACED_ON = /Node\(s\) placed on \[(\w+)\]|All nodes placed on \[(\w+)\]/;
const PLACED_NODE = /VerifyEachNodeIsAssignedToAnEp\]\s{3}(\S+) \(/;

/** @typedef {typeof import('onnxruntime-web')} Ort */
/** @typedef {import('onnxruntime-web').InferenceSession.ExecutionProviderConfig} Provider */

/**
 * @typedef {object} Answer
 * @property {string | null} error why no session was made
 * @property {Record<string, string[]>} placement operators of the nodes by the execution provider that they are on, copies left
 *   out; where every node is on one provider, the runtime names the provider alone, and its list is empty
 */

/**
 * @param {Ort} ort
 * @param {Provider} provider
 * @param {Uint8Array[]} models
 * @param {string[] | null} log what the runtime writes, one line each; the caller fills it, and it is emptied here before each
 *   model. Without one the runtime is kept quiet, and the placement stays empty
 * @param {'disabled' | 'all'} optimisation 'disabled' leaves the nodes as they are, so that each answer is about the node asked for
 * @returns {Promise<Answer[]>}
 */
export async function probe(ort, provider, models, log, optimisation = 'disabled') {
  const answers = [];
  for (const model of models) {
    if (log) log.length = 0;
    const error = await failure(ort, provider, model, { graphOptimizationLevel: optimisation, logSeverityLevel: log ? 0 : 4 });
    answers.push({ error, placement: placementIn(log ?? []) });
  }
  return answers;
}

/**
 * @param {Ort} ort
 * @param {Provider} provider
 * @param {Uint8Array} model
 * @param {import('onnxruntime-web').InferenceSession.SessionOptions} options
 */
async function failure(ort, provider, model, options) {
  try {
    const session = await ort.InferenceSession.create(model, { executionProviders: [provider], logVerbosityLevel: 1, ...options });
    await session.release();
    return null;
  } catch (reason) {
    return reason instanceof Error ? reason.message : String(reason);
  }
}

/**
 * @param {string[]} log
 * @returns {Answer['placement']}
 */
export function placementIn(log) {
  /** @type {Answer['placement']} */
  const placement = {};
  /** @type {string[]} */
  let operators = [];
  for (const line of log) {
    const provider = PLACED_ON.exec(line);
    if (provider) operators = placement[provider[1] ?? provider[2] ?? ''] ??= [];
    const operator = PLACED_NODE.exec(line)?.[1];
    if (operator && !operator.startsWith('Memcpy')) operators.push(operator);
  }
  return placement;
}

/** @typedef {{data: number[], dims: number[], type: 'float32' | 'bool'}} Values */

/**
 * @param {Ort} ort
 * @param {Provider} provider
 * @param {{model: string, inputs: Record<string, Values>}[]} asked models in base64 with their inputs
 * @returns {Promise<(Record<string, {data: number[], dims: readonly number[]}> | string)[]>} the outputs of each, or the message with which it stopped
 */
export async function runAll(ort, provider, asked) {
  const answers = [];
  for (const { model, inputs } of asked) {
    try {
      const session = await ort.InferenceSession.create(fromBase64(model), { executionProviders: [provider] });
      const feeds = Object.entries(inputs).map(([name, { data, dims, type }]) => {
        return [name, type === 'bool' ? new ort.Tensor('bool', data.map(Boolean), dims) : new ort.Tensor(new Float32Array(data), dims)];
      });
      const outputs = await session.run(Object.fromEntries(feeds));
      answers.push(Object.fromEntries(Object.entries(outputs).map(([name, { data, dims }]) => [name, { data: Array.from(data, Number), dims }])));
    } catch (reason) {
      answers.push(reason instanceof Error ? reason.message : String(reason));
    }
  }
  return answers;
}

/**
 * @param {string} text
 * @returns {Uint8Array}
 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
