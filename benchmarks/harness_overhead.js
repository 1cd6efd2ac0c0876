/**
 * Runs inside a worker of the real page, beside the real modules: the page's own measuring loop and a bare loop over the same session,
 * in turns. See harness_overhead.py.
 */

import { measure } from '/benchmark.js';
import { loadOnnxruntimeWeb } from '/runtimes/ort.js';

self.onmessage = async ({ data: { job, rounds } }) => {
  try {
    self.postMessage({ real: await compare(job, await realRuntime(job), rounds), empty: await compare({ ...job, iterations: 2000 }, await emptyRuntime(job), rounds) });
  } catch (error) {
    self.postMessage({ error: String(error?.stack ?? error) });
  }
};

/** Milliseconds per inference in each round: bare loop and harness, whose order alternates. */
async function compare(job, runtime, rounds) {
  const result = { bare: [], harness: [] };
  await bare(job, runtime);
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 ? ['bare', 'harness'] : ['harness', 'bare']) {
      result[kind].push(kind === 'bare' ? await bare(job, runtime) : await harness(job, runtime));
    }
  }
  return result;
}

async function bare({ iterations }, { session, feeds }) {
  const begin = performance.now();
  for (let i = 0; i < iterations; i += 1) await session.run(feeds());
  return (performance.now() - begin) / iterations;
}

/** The harness's whole sampling stage, its messages to the page included, from entering it to leaving it. */
async function harness(job, runtime) {
  let [entered, left] = [NaN, NaN];
  const measured = await measure(job, async () => runtime, (progress, soFar) => {
    if (progress.stage === 'sampling' && progress.done === 0) entered = performance.now();
    if (progress.stage === 'final_check') left = performance.now();
    self.postMessage({ kind: 'progress', progress, measured: soFar });
  });
  if (measured.error) throw new Error(measured.error.message);
  return (left - entered) / job.iterations;
}

/** One real session for all rounds; the harness may not release it. */
async function realRuntime(job) {
  const real = await loadOnnxruntimeWeb(job.onnxruntimeWeb, job.backend);
  const bytes = new Uint8Array(await (await fetch(`/models/${job.variant.path}?sha256=${job.variant.sha256}`)).arrayBuffer());
  const opened = await real.createSession(bytes, { backend: job.backend, threads: job.threads, outputs: job.model.outputs });
  let feeds;
  const session = { ...opened, release: async () => {}, prepare: (inputs) => (feeds = opened.prepare(inputs)) };
  const runtime = { ...real, createSession: async () => session, session, feeds: () => feeds };
  await measure({ ...job, iterations: 1 }, async () => runtime, () => {});
  return runtime;
}

/** A session whose inferences take no time and give the reference outputs: what is left is the harness. */
async function emptyRuntime(job) {
  const { readSafetensors } = await import('/inputs.js');
  const [reference] = job.model.references;
  const tensors = readSafetensors(new Uint8Array(await (await fetch(`/models/${reference.path}?sha256=${reference.sha256}`)).arrayBuffer()), reference.path);
  const outputs = Object.fromEntries(job.model.outputs.map(({ name }) => [name, tensors[name]]));
  const session = { threads: job.threads, prepare: (inputs) => inputs, run: async () => outputs, release: async () => {} };
  return { name: 'onnxruntime-web', version: 'none', now: () => performance.now(), createSession: async () => session, session, feeds: () => ({}) };
}
