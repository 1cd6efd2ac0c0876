/**
 * Runs inside a worker of the real page, beside the real modules: the page's own instrument and a bare loop over the same session, in
 * turns. See harness_overhead.py.
 */

import { Benchmark } from '/benchmark.js';
import { loadOnnxruntimeWeb } from '/runtimes/ort.js';
import { zooSubject } from '/zoo_subject.js';

const EMPTY_ITERATIONS = 300;
const DRAWING_MS = 100;

self.onmessage = async ({ data: { job, rounds, iterations } }) => {
  try {
    const show = (progress, measured) => self.postMessage({ kind: 'progress', progress, measured });
    const real = await compare(job, await realLoader(job), rounds, iterations, show);
    const empty = await compare(job, emptyLoader(job), rounds, EMPTY_ITERATIONS, (progress, measured) => self.postMessage({ kind: 'not_shown', progress, measured }));
    self.postMessage({ real, empty });
  } catch (error) {
    self.postMessage({ error: String(error?.stack ?? error) });
  }
};

/** Each inference of each round by the loop's own clock, and what the round took from outside: two of either kind, whose order alternates. */
async function compare(job, load, rounds, iterations, told) {
  const opened = {};
  const loadOnce = async () => {
    const runtime = await load();
    const createSession = async (...asked) => {
      const session = await runtime.createSession(...asked);
      return (opened.session = { ...session, prepare: (inputs) => (opened.feeds = session.prepare(inputs)) });
    };
    return { ...runtime, createSession };
  };
  const instrument = new Benchmark(job, zooSubject(job), loadOnce, told);
  throwIfFailed(await instrument.prepare());
  const result = { bare: [], instrument: [], bareWall: [], instrumentWall: [] };
  for (let round = 1; round <= rounds; round += 1) {
    for (const kind of round % 2 ? ['bare', 'instrument'] : ['instrument', 'bare']) {
      const begin = performance.now();
      const durations = kind === 'bare' ? await bare(opened, iterations) : await taken(instrument, round, iterations);
      result[`${kind}Wall`].push((performance.now() - begin) / iterations);
      result[kind].push(durations);
      self.postMessage({ kind: 'round_over' });
      await new Promise((resolve) => setTimeout(resolve, DRAWING_MS)); // the page too draws between rounds
    }
  }
  await opened.session.release();
  return result;
}

/** As little as there can be: one inference that settles, then nothing but the clock around the call. */
async function bare({ session, feeds }, iterations) {
  const durations = new Array(iterations);
  await session.run(feeds);
  for (let i = 0; i < iterations; i += 1) {
    const begin = performance.now();
    await session.run(feeds);
    durations[i] = performance.now() - begin;
  }
  return durations;
}

/** A round of the page's own, as it orders one between two of another run: with its check of the outputs and its messages. */
async function taken(instrument, round, iterations) {
  instrument.log.record({ samples: [] });
  const measured = throwIfFailed(await instrument.take({ round, samples: iterations, ms: 0, settle: true }));
  return measured.samples.map((sample) => sample.duration_ms);
}

function throwIfFailed(measured) {
  if (measured.error) throw new Error(`${measured.error.stage}: ${measured.error.message}`);
  return measured;
}

async function realLoader({ onnxruntimeWeb, backend, threads }) {
  return () => loadOnnxruntimeWeb(onnxruntimeWeb, { backend, threads });
}

/** A session whose inferences take no time and give the reference outputs: what is left is the instrument. */
function emptyLoader(job) {
  return async () => {
    const { readSafetensors } = await import('/inputs.js');
    const [reference] = job.model.references;
    const reply = await fetch(`/models/${reference.path}?sha256=${reference.sha256}`);
    const tensors = readSafetensors(new Uint8Array(await reply.arrayBuffer()), reference.path);
    const outputs = Object.fromEntries(job.model.outputs.map(({ name }) => [name, tensors[name]]));
    const session = { threads: job.threads, placement: null, prepare: (inputs) => inputs, run: async () => outputs, read: (raw) => raw, release: async () => {} };
    return { name: 'onnxruntime-web', version: 'none', now: () => performance.now(), createSession: async () => session };
  };
}
