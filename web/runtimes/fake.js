/**
 * A runtime with scripted durations and faults behind the same interface as onnxruntime-web, so that tests can ask for exact numbers.
 * Its answer is the input's numbers, dealt out to the outputs in order: what the models of tests/support/tiny_zoo.py compute.
 */

/** @import { FakeFault, FakeScript, OutputEntry, Runtime, Tensor, Tensors } from '../types.js' */

/**
 * @param {FakeScript} script
 * @returns {Runtime<Tensors>}
 */
export function loadFake(script) {
  let clock = 0;
  let inferences = 0;
  return {
    name: 'fake',
    version: '1',
    now: () => clock,
    async createSession(_bytes, { threads, outputs }) {
      await suffer(script.faults['session']);
      clock += script.session_ms;
      return {
        threads,
        prepare: (inputs) => inputs,
        async run(feeds) {
          const index = inferences;
          inferences += 1;
          const fault = script.faults[String(index)];
          if (script.pace_ms > 0) await new Promise((resolve) => setTimeout(resolve, script.pace_ms));
          await suffer(fault);
          clock += /** @type {number} */ (script.durations_ms[index % script.durations_ms.length]);
          return spoil(echo(feeds, outputs), fault);
        },
        release: () => Promise.resolve(),
      };
    },
  };
}

/**
 * The faults that leave no answer.
 * @param {FakeFault | undefined} fault
 */
async function suffer(fault) {
  if (fault === 'throw') throw new Error('a scripted failure');
  // A wasm kernel that never returns blocks its thread, so this does too.
  if (fault === 'hang') for (;;);
  if (fault === 'crash') {
    setTimeout(() => { throw new Error('a scripted crash'); });
    await new Promise(() => {});
  }
}

/**
 * The faults that leave a wrong one, in the first output.
 * @param {Record<string, Tensor>} outputs
 * @param {FakeFault | undefined} fault
 * @returns {Tensors}
 */
function spoil(outputs, fault) {
  const [first] = Object.values(outputs);
  if (!first) return outputs;
  if (fault === 'wrong') first.data[0] = (first.data[0] ?? 0) + 1;
  if (fault === 'nan') first.data[0] = NaN;
  if (fault === 'infinity') first.data[0] = Infinity;
  if (fault !== 'shape') return outputs;
  return Object.fromEntries(Object.entries(outputs).map(([name, { data, dims }]) => [name, { data, dims: [...dims, 1] }]));
}

/**
 * @param {Tensors} feeds
 * @param {readonly OutputEntry[]} outputs
 * @returns {Record<string, Tensor>}
 */
function echo(feeds, outputs) {
  const [input] = Object.values(feeds);
  if (!input) throw new Error('the fake runtime was given no input');
  let begin = 0;
  return Object.fromEntries(
    outputs.map(({ name, shape }) => {
      const size = shape.reduce((product, side) => product * side, 1);
      const data = input.data.slice(begin, begin + size);
      begin += size;
      return [name, { data, dims: shape }];
    }),
  );
}
