/**
 * The worker of one profile: one order comes in, one answer goes out. Its session has the runtime's profiler on, and is of no use for
 * timing; the outputs are held to the reference as ever, because the times of wrong answers explain nothing.
 */

import { refineMemory } from './memory.js';
import { readProfile } from './profile_events.js';
import { Log } from './run_log.js';
import { loadProfiler } from './runtimes/ort_profile.js';
import { zooSubject } from './zoo_subject.js';

/** @import { Job, Measurement, WorkerMessage } from './types.js' */
/** @import { Profiled } from './profile_types.js' */
/** @import { ProfiledSession } from './runtimes/ort_profile.js' */

/** Warm-up may take this share of the time budget, the profiled inferences the same: one of each at least. */
const SHARE = 0.25;
const REPORT_EVERY_MS = 200;

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const post = (/** @type {WorkerMessage} */ message) => scope.postMessage(message);

scope.onmessage = async (/** @type {MessageEvent<{job: Job}>} */ { data: { job } }) => {
  const log = new Log(job, (progress, measured) => post({ kind: 'progress', progress, measured }));
  try {
    const profiled = await profile(job, log);
    post({ kind: 'done', measured: /** @type {Measurement} */ ({ ...log.measured, profiled }) });
  } catch (error) {
    post({ kind: 'done', measured: log.failed(refineMemory(error, `for ${job.model.title}`)) });
  }
};
post({ kind: 'alive' });

/**
 * @param {Job} job
 * @param {Log} log
 * @returns {Promise<Profiled>}
 */
async function profile(job, log) {
  const subject = zooSubject(job);
  const { model, inputs } = await subject.fetch(log);
  log.enter('runtime');
  const { version, createSession } = await loadProfiler(job.onnxruntimeWeb, job, (done, total, waiting) => {
    log.tellSometimes(waiting === null ? REPORT_EVERY_MS : 0, () => ({ stage: 'runtime', done, total: total ?? 0, samples: [], waiting }));
  });
  log.enter('session');
  const session = await createSession(model);
  log.record({ runtime_version: version, threads: session.threads });
  const verify = subject.verifier(session, `onnxruntime-web ${version}`);
  const feeds = session.prepare(inputs);

  log.enter('first_inference');
  const begin = performance.now();
  const first = await session.run(feeds);
  const firstMs = performance.now() - begin;
  log.proven('verification', verify(first), subject.mismatch);

  const limitMs = SHARE * job.timeBudgetS * 1000;
  const warmedUp = await infer(session, feeds, { most: (job.warmup ?? 1) - 1, limitMs: limitMs - firstMs, stage: 'warm_up' }, log);
  const { count, outputs } = await infer(session, feeds, { most: job.iterations, least: 1, limitMs, stage: 'sampling' }, log);
  log.enter('final_check');
  log.proven('final_check', verify(outputs), subject.mismatch);
  const { verification, final_check } = log.measured;
  if (!verification || !final_check) throw new Error('the outputs were not checked');

  const times = readProfile(await session.endProfile(), { backend: job.backend === 'webgpu' ? 'webgpu' : 'wasm', warmup: 1 + warmedUp.count });
  if (times.iterations !== count) throw new Error(`the profile is of ${times.iterations} inferences, not of ${count}`);
  await session.release();
  return { ...times, runtime_version: version, threads: session.threads, warmup_iterations: 1 + warmedUp.count, verification, final_check };
}

/**
 * Inferences until there are enough or the time is up.
 * @param {ProfiledSession} session
 * @param {ReturnType<ProfiledSession['prepare']>} feeds
 * @param {{most: number, least?: number, limitMs: number, stage: 'warm_up' | 'sampling'}} asked
 * @param {Log} log
 */
async function infer(session, feeds, { most, least = 0, limitMs, stage }, log) {
  log.enter(stage, most);
  const end = performance.now() + limitMs;
  let count = 0;
  /** @type {Awaited<ReturnType<ProfiledSession['run']>>} */
  let outputs = {};
  while (count < least || (count < most && performance.now() < end)) {
    outputs = await session.run(feeds);
    count += 1;
    const done = count;
    log.tellSometimes(REPORT_EVERY_MS, () => ({ stage, done, total: most, samples: [] }));
  }
  return { count, outputs };
}
