/**
 * One run, inside a worker: download, session, first inference, verification, warm-up, samples, final check.
 * The manners of measuring are all here: what the clock covers, how long to warm up, when to stop.
 */

import { describeMismatch, verifier } from './compare.js';
import { download } from './download.js';
import { ZooError, explain } from './errors.js';
import { readSafetensors, tensorOf } from './inputs.js';

/** @import { Job, Measurement, Progress, Runtime, Sample, Session, Stage, Tensor, Tensors, Verification } from './types.js' */
/** @typedef {(progress: Progress, measured: Measurement) => void} Report */

const REFERENCE = 'photograph';
/** A first inference over this share of the time budget marks a heavy model: one warm-up has to do. */
const HEAVY_SHARE = 0.05;
/** Warm-up may use this share of the time budget, the first inference counted in. */
const WARM_UP_SHARE = 0.5;
/** Posting a message wakes the page's thread, which then competes for the cores: seldom, and never inside the clock. */
const REPORT_EVERY_MS = 250;

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
    const verify = verifierFor(job, runtime, session.threads, proof);
    const clock = { now: runtime.now, deadline: runtime.now() + job.timeBudgetS * 1000 };

    const first = await firstInference(session, feeds, clock, log);
    log.proven('verification', verify(first));
    await warmUp(job, session, feeds, clock, log);
    const last = await takeSamples(job, session, feeds, clock, log);
    log.proven('final_check', verify(last));
    await session.release();
    return log.measured;
  } catch (error) {
    return log.failed(error);
  }
}

/** What has been measured so far, and the stage that is on. Each change makes a new value. */
class Log {
  /**
   * @param {Job} job
   * @param {Report} report
   */
  constructor(job, report) {
    this.report = report;
    this.reportedAt = -Infinity;
    /** @type {Stage} */
    this.stage = 'start';
    /** @type {Measurement} */
    this.measured = blankMeasurement(job);
  }

  /**
   * A stage begins: the page is told at once.
   * @param {Stage} stage
   * @param {number} [total]
   */
  enter(stage, total = 0) {
    this.stage = stage;
    this.tell({ stage, done: 0, total, samples: [] });
  }

  /** @param {Partial<Measurement>} part */
  record(part) {
    this.measured = { ...this.measured, ...part };
  }

  /** Whether the page has not heard from here for a while. */
  get isDue() {
    return performance.now() - this.reportedAt >= REPORT_EVERY_MS;
  }

  /** @param {Progress} progress */
  tell(progress) {
    this.report(progress, this.measured);
    this.reportedAt = performance.now();
  }

  /**
   * Keep a verification, and end the run if it did not pass.
   * @param {'verification' | 'final_check'} stage
   * @param {Verification} verification
   */
  proven(stage, verification) {
    this.record({ [stage]: verification });
    if (!verification.passed) throw new Error(describeMismatch(verification));
  }

  /**
   * The run as a failure: what was measured before stays, samples without proof do not.
   * @param {unknown} thrown
   * @returns {Measurement}
   */
  failed(thrown) {
    const message = thrown instanceof ZooError || !(thrown instanceof Error) ? explain(thrown) : thrown.message || thrown.name;
    return { ...this.measured, samples: [], stopped_by: 'error', error: { stage: this.stage, message: message.slice(0, 4000) } };
  }
}

/**
 * A measurement of nothing yet. `stopped_by` holds once the samples are in.
 * @param {Job} job
 * @returns {Measurement}
 */
export function blankMeasurement({ runtime, onnxruntimeWeb, threads }) {
  return {
    runtime_version: runtime === 'fake' ? '1' : onnxruntimeWeb.version,
    threads,
    warmup_iterations: 0,
    stopped_by: 'iterations',
    download_ms: null,
    download_cached: null,
    hashed: null,
    session_ms: null,
    first_ms: null,
    samples: [],
    verification: null,
    final_check: null,
    error: null,
  };
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
  const fetchOne = async (/** @type {import('./types.js').FileEntry} */ file) => {
    const fetched = await download(file, (received) => {
      if (log.isDue) log.tell({ stage: 'download', done: before + received, total, samples: [] });
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
async function openSession({ backend, threads, model }, loadRuntime, bytes, log) {
  log.enter('session');
  const runtime = await loadRuntime();
  const begin = runtime.now();
  const session = await runtime.createSession(bytes, { backend, threads, outputs: model.outputs });
  log.record({ session_ms: runtime.now() - begin, runtime_version: runtime.version, threads: session.threads });
  return { runtime, session };
}

/**
 * @template Feeds
 * @param {Job} job
 * @param {Runtime<Feeds>} runtime
 * @param {number} threads
 * @param {{reference: Tensors, priors: Tensor | null}} files
 */
function verifierFor({ model, variant, backend }, runtime, threads, { reference, priors }) {
  const place = backend === 'wasm' ? `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : backend;
  return verifier(model, variant, reference, priors, { reference: REFERENCE, runtime: `${runtime.name} ${runtime.version} ${place}` });
}

/**
 * @template Feeds
 * @param {Session<Feeds>} session
 * @param {Feeds} feeds
 * @param {{now: () => number}} clock
 * @param {Log} log
 * @returns {Promise<Tensors>}
 */
async function firstInference(session, feeds, clock, log) {
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
 * @param {Job} job
 * @param {Session<Feeds>} session
 * @param {Feeds} feeds
 * @param {{now: () => number, deadline: number}} clock
 * @param {Log} log
 */
async function warmUp({ warmup, timeBudgetS }, session, feeds, clock, log) {
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
    if (log.isDue) log.tell({ stage: 'warm_up', done, total, samples: [] });
  }
}

/**
 * The timed inferences: at least one, then until there are enough or the time budget is spent. Between two readings of the clock
 * stands the runtime's run and nothing else.
 * @template Feeds
 * @param {Job} job
 * @param {Session<Feeds>} session
 * @param {Feeds} feeds
 * @param {{now: () => number, deadline: number}} clock
 * @param {Log} log
 * @returns {Promise<Tensors>} the last inference's outputs
 */
async function takeSamples({ iterations }, session, feeds, { now, deadline }, log) {
  log.enter('sampling', iterations);
  /** @type {Sample[]} */
  const samples = [];
  let [told, origin] = [0, NaN];
  /** @type {Tensors} */
  let outputs = {};
  while (samples.length < iterations && (samples.length === 0 || now() < deadline)) {
    const begin = now();
    outputs = await session.run(feeds);
    const end = now();
    if (samples.length === 0) origin = begin;
    samples.push({ start_ms: begin - origin, duration_ms: end - begin });
    if (log.isDue) {
      log.tell({ stage: 'sampling', done: samples.length, total: iterations, samples: samples.slice(told) });
      told = samples.length;
    }
  }
  log.tell({ stage: 'sampling', done: samples.length, total: iterations, samples: samples.slice(told) });
  log.record({ samples, stopped_by: samples.length < iterations ? 'time_budget' : 'iterations' });
  log.enter('final_check');
  return outputs;
}
