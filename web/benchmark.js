/**
 * One run, inside a worker: download, session, first inference, verification, warm-up, samples, final check.
 * The manners of measuring are all here: what the clock covers, how long to warm up, when to stop.
 */

import { verifier } from './compare.js';
import { download } from './download.js';
import { proveFurther } from './further_references.js';
import { readSafetensors, tensorOf } from './inputs.js';
import { Log } from './run_log.js';

/** @import { FileEntry } from './manifest_types.js' */
/** @import { Job, Measurement, RawTensors, Runtime, Sample, Session, Tensor, Tensors } from './types.js' */
/** @import { Report } from './run_log.js' */

const REFERENCE = 'photograph';
/** A first inference over this share of the time budget marks a heavy model: one warm-up has to do. */
const HEAVY_SHARE = 0.05;
/** Warm-up may use this share of the time budget, the first inference counted in. */
const WARM_UP_SHARE = 0.5;
/**
 * A message makes the page draw, and drawing competes for the cores: never inside the clock, and while something is timed so seldom
 * that it costs under 1 % of them (about 4 ms of processor time a message, all of Chromium's processes together, 2 cores, November 2026).
 */
const REPORT_EVERY_MS = { download: 100, timing: 500 };

/**
 * Measure one job. Whatever goes wrong is in the result's `error`; nothing is thrown.
 * @template Feeds
 * @param {Job} job
 * @param {() => Promise<Runtime<Feeds>>} loadRuntime
 * @param {Report} report
 * @returns {Promise<Measurement>}
 */
export async function measure(job, loadRuntime, report) {
  const log = new Log(job, report);
  try {
    const { runtime, session, proof } = await downloadAndOpen(job, loadRuntime, log);
    const feeds = session.prepare({ [job.model.input.name]: tensorOf(proof.reference, job.model.input.name, REFERENCE) });
    const place = placeOf(job, runtime, session.threads);
    const verify = verifier(job.model, job.variant, proof.reference, proof.priors, { reference: REFERENCE, runtime: place });
    const clock = { now: runtime.now, deadline: runtime.now() + job.timeBudgetS * 1000 };

    const first = await firstInference(session, feeds, clock, log);
    log.proven('verification', verify(session.read(first)));
    if (job.placement) {
      const begin = runtime.now();
      await proveFurther(job, session, { proven: REFERENCE, priors: proof.priors, runtime: place }, log);
      clock.deadline += runtime.now() - begin;
    }
    await warmUp(job, session, feeds, clock, log);
    const last = await takeSamples(job, session, feeds, clock, log);
    log.proven('final_check', verify(session.read(last)));
    await session.release();
    return log.measured;
  } catch (error) {
    return log.failed(error);
  }
}

/**
 * A session, and what proves its outputs. The model's bytes end with this function: they would double the memory of what follows.
 * @template Feeds
 * @param {Job} job
 * @param {() => Promise<Runtime<Feeds>>} loadRuntime
 * @param {Log} log
 */
async function downloadAndOpen(job, loadRuntime, log) {
  const { model, ...proof } = await fetchFiles(job, log);
  const opened = await openSession(job, loadRuntime, model, log);
  return { ...opened, proof };
}

/**
 * The model, its reference tensors and, for a detector, its priors.
 * @param {Job} job
 * @param {Log} log
 * @returns {Promise<{model: Uint8Array, reference: Tensors, priors: Tensor | null}>}
 */
async function fetchFiles({ model, variant }, log) {
  const reference = model.references.find(({ name }) => name === REFERENCE);
  if (!reference) throw new Error(`the manifest has no ${REFERENCE} reference for ${model.id}`);
  const priors = model.postprocessing.kind === 'ssd' ? model.postprocessing.priors : null;
  const total = variant.bytes + reference.bytes + (priors?.bytes ?? 0);
  log.enter('download', total);

  let before = 0;
  const fetchOne = async (/** @type {FileEntry} */ file) => {
    const fetched = await download(file, (received) => {
      log.tellSometimes(REPORT_EVERY_MS.download, () => ({ stage: 'download', done: before + received, total, samples: [] }));
    });
    before += file.bytes;
    return fetched;
  };
  const fetched = await fetchOne(variant);
  log.record({ download_ms: fetched.ms, download_cached: fetched.cached, hashed: fetched.hashed });
  const tensors = readSafetensors((await fetchOne(reference)).bytes, reference.path);
  const boxes = priors && tensorOf(readSafetensors((await fetchOne(priors)).bytes, priors.path), 'priors', priors.path);
  return { model: fetched.bytes, reference: tensors, priors: boxes };
}

/**
 * Loading the runtime's script is not in `session_ms`; compiling its WebAssembly is, since onnxruntime-web does it on demand.
 * @template Feeds
 * @param {Job} job
 * @param {() => Promise<Runtime<Feeds>>} loadRuntime
 * @param {Uint8Array} bytes the model
 * @param {Log} log
 */
async function openSession({ backend, threads, model, placement }, loadRuntime, bytes, log) {
  log.enter('session');
  const runtime = await loadRuntime();
  const begin = runtime.now();
  const session = await runtime.createSession(bytes, { backend, threads, outputs: model.outputs, placement });
  const ended = runtime.now();
  log.record({ session_ms: ended - begin, runtime_version: runtime.version, threads: session.threads, placement: session.placement });
  return { runtime, session };
}

/**
 * What runs, for people.
 * @template Feeds
 * @param {Job} job
 * @param {Runtime<Feeds>} runtime
 * @param {number} threads
 */
function placeOf({ backend }, runtime, threads) {
  const place = backend === 'wasm' ? `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : backend;
  return `${runtime.name} ${runtime.version} ${place}`;
}

/**
 * @template Feeds
 * @param {Session<Feeds>} session
 * @param {Feeds} feeds
 * @param {{now: () => number}} clock
 * @param {Log} log
 * @returns {Promise<RawTensors>}
 */
export async function firstInference(session, feeds, clock, log) {
  log.enter('first_inference');
  const begin = clock.now();
  const outputs = await session.run(feeds);
  log.record({ first_ms: clock.now() - begin });
  log.enter('verification');
  return outputs;
}

/**
 * Inferences that are thrown away, as many as asked for unless they would eat the time budget.
 * @template Feeds
 * @param {Pick<Job, 'warmup' | 'timeBudgetS'>} job
 * @param {Session<Feeds>} session
 * @param {Feeds} feeds
 * @param {{now: () => number, deadline: number}} clock
 * @param {Log} log
 */
export async function warmUp({ warmup, timeBudgetS }, session, feeds, clock, log) {
  const budget = timeBudgetS * 1000;
  let latest = /** @type {number} */ (log.measured.first_ms);
  const total = latest > HEAVY_SHARE * budget ? Math.min(warmup, 1) : warmup;
  log.enter('warm_up', total);
  for (let done = 1; done <= total; done += 1) {
    const begin = clock.now();
    if (begin + latest > clock.deadline - (1 - WARM_UP_SHARE) * budget) return;
    await session.run(feeds);
    latest = clock.now() - begin;
    log.record({ warmup_iterations: done });
    log.tellSometimes(REPORT_EVERY_MS.timing, () => ({ stage: 'warm_up', done, total, samples: [] }));
  }
}

/**
 * The timed inferences: at least one, then until there are enough or the time budget is spent. Between two readings of the clock
 * stands the runtime's run and nothing else.
 * @template Feeds
 * @param {Pick<Job, 'iterations'>} job
 * @param {Session<Feeds>} session
 * @param {Feeds} feeds
 * @param {{now: () => number, deadline: number}} clock
 * @param {Log} log
 * @returns {Promise<RawTensors>} the last inference's outputs
 */
export async function takeSamples({ iterations }, session, feeds, { now, deadline }, log) {
  log.enter('sampling', iterations);
  /** @type {Sample[]} */
  const samples = [];
  const news = () => ({ stage: /** @type {const} */ ('sampling'), done: samples.length, total: iterations, samples: samples.slice(told) });
  let [told, origin] = [0, NaN];
  /** @type {RawTensors} */
  let outputs = {};
  while (samples.length < iterations && (samples.length === 0 || now() < deadline)) {
    const begin = now();
    outputs = await session.run(feeds);
    const end = now();
    if (samples.length === 0) origin = begin;
    samples.push({ start_ms: begin - origin, duration_ms: end - begin });
    if (log.tellSometimes(REPORT_EVERY_MS.timing, news)) told = samples.length;
  }
  log.tell(news());
  log.record({ samples, stopped_by: samples.length < iterations ? 'time_budget' : 'iterations' });
  log.enter('final_check');
  return outputs;
}
