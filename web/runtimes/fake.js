/**
 * A runtime with scripted durations and faults behind the same interface as onnxruntime-web, so that tests can ask for exact numbers.
 * Its answer is the input's numbers, dealt out to the outputs in order: what the models of tests/support/tiny_zoo.py compute.
 */

import { readOutputs } from '../inputs.js';

/** @import { OutputEntry } from '../manifest_types.js' */
/** @import { Backend, Placement } from '../run_types.js' */
/** @import { FakeFault, FakeScript, RawTensors, Runtime } from '../types.js' */
/** @typedef {{data: Float32Array | BigInt64Array, dims: readonly number[]}} Output */

/** How far the fault `backwards` sets the clock back. */
const STEP_BACK_MS = 1000;

/**
 * @param {FakeScript} script
 * @returns {Promise<Runtime<RawTensors>>}
 */
export async function loadFake(script) {
  await suffer(script.faults['runtime']);
  const clock = new FakeClock();
  let inferences = 0;
  return {
    name: 'fake',
    version: '1',
    now: () => clock.ms,
    async createSession(_bytes, { backend, threads, outputs, placement }) {
      await suffer(script.faults['session']);
      clock.advance(script.session_ms);
      return {
        threads,
        prepare: (inputs) => inputs,
        async run(feeds) {
          const index = inferences;
          inferences += 1;
          const fault = script.faults[String(index)];
          if (script.pace_ms > 0) await new Promise((resolve) => setTimeout(resolve, script.pace_ms));
          await suffer(fault);
          clock.suffer(fault);
          clock.advance(/** @type {number} */ (script.durations_ms[index % script.durations_ms.length]));
          return spoil(echo(feeds, outputs), fault);
        },
        read: readOutputs,
        release: () => Promise.resolve(),
        placement: placement ? placementIn(script, backend) : null,
      };
    },
    async placementOf(_bytes, { backend }) {
      await suffer(script.faults['placement']);
      return placementIn(script, backend);
    },
  };
}

/** Moves as the script says, and on the worker's own time not at all. */
class FakeClock {
  constructor() {
    this.ms = 0;
    this.isStopped = false;
  }

  /** @param {number} ms */
  advance(ms) {
    if (!this.isStopped) this.ms += ms;
  }

  /** @param {FakeFault | undefined} fault */
  suffer(fault) {
    if (fault === 'backwards') this.ms -= STEP_BACK_MS;
    if (fault === 'stopped') this.isStopped = true;
  }
}

/**
 * @param {FakeScript} script
 * @param {Backend} backend
 * @returns {Placement}
 */
function placementIn({ placement }, backend) {
  return placement ?? { [backend]: { Echo: 1 } };
}

/**
 * The faults that leave no answer.
 * @param {FakeFault | undefined} fault
 */
async function suffer(fault) {
  if (fault === 'throw') throw new Error('a scripted failure');
  // What onnxruntime-web says when its memory cannot grow.
  if (fault === 'oom') throw new Error('std::bad_alloc');
  // A wasm kernel that never returns blocks its thread, so this does too.
  if (fault === 'hang') for (;;);
  if (fault === 'crash') {
    setTimeout(() => { throw new Error('a scripted crash'); });
    await new Promise(() => {});
  }
}

/**
 * The faults that leave a wrong one, in the first output.
 * @param {Record<string, Output>} outputs
 * @param {FakeFault | undefined} fault
 * @returns {RawTensors}
 */
function spoil(outputs, fault) {
  const data = Object.values(outputs)[0]?.data;
  if (data instanceof Float32Array) {
    if (fault === 'wrong') data[0] = (data[0] ?? 0) + 1;
    if (fault === 'nan') data[0] = NaN;
    if (fault === 'infinity') data[0] = Infinity;
  }
  if (fault !== 'shape') return outputs;
  return Object.fromEntries(Object.entries(outputs).map(([name, { data, dims }]) => [name, { data, dims: [...dims, 1] }]));
}

/**
 * The input's numbers, dealt out to the outputs. Where an output has a side that depends on the data, the input's first number is that
 * side, and is not dealt out.
 * @param {RawTensors} feeds
 * @param {readonly OutputEntry[]} outputs
 * @returns {Record<string, Output>}
 */
function echo(feeds, outputs) {
  const [input] = Object.values(feeds);
  if (!input) throw new Error('the fake runtime was given no input');
  const isOpen = outputs.some(({ shape }) => shape.includes(null));
  let begin = isOpen ? 1 : 0;
  return Object.fromEntries(
    outputs.map(({ name, shape, dtype }) => {
      const dims = shape.map((side) => side ?? Number(input.data[0]));
      const size = dims.reduce((product, side) => product * side, 1);
      /** @type {Float32Array} */
      const numbers = input.data.slice(begin, begin + size);
      begin += size;
      const whole = () => BigInt64Array.from(numbers, (number) => BigInt(Math.trunc(number)));
      return [name, { data: dtype === 'int64' ? whole() : numbers, dims }];
    }),
  );
}
