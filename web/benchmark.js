/**
 * One run, inside a worker, in the steps that the page orders: prepare (download, runtime, session, first inference, verification,
 * warm-up), take (a round of samples and a check of its last outputs), restart, finish (end to end, placement).
 * The manners of measuring are all here: what the clock covers, how long to warm up, when a round ends, what is never kept.
 */

import { explain } from './errors.js';
import { Log, MOST_SAMPLES } from './run_log.js';
import { takePasses } from './passes.js';
import { Stopwatch, didNotMove } from './stopwatch.js';
import { warmUp } from './warm_up.js';

/** @import { OutputEntry, Verification } from './manifest_types.js' */
/** @import { Sample, StoppedBy } from './run_types.js' */
/** @import { Asked, LoadRuntime, Measurement, RawTensors, Round, Runtime, Session } from './types.js' */
/** @import { Pass } from './passes.js' */
/** @import { Report } from './run_log.js' */

/**
 * What is measured. `runtime` is the runtime's name and version.
 * @typedef {object} Subject
 * @property {(log: Log) => Promise<{model: Uint8Array, inputs: RawTensors}>} fetch
 * @property {readonly OutputEntry[]} outputs What the runtime is told of the graph's outputs; empty where nothing is known.
 * @property {() => Promise<Uint8Array>} fetchModel The model's bytes once more.
 * @property {(session: Session<any>, runtime: string) => (outputs: RawTensors) => Verification} verifier
 * @property {(verification: Verification) => Error} mismatch What to say of outputs that are wrong.
 * @property {((session: Session<any>, runtime: string, log: Log) => Promise<void>) | null} proveFurther
 * @property {((session: Session<any>, now: () => number) => Promise<Pass>) | null} endToEnd Null where it does not begin with a picture.
 * @property {(error: unknown) => unknown} refine What failed, in words for people.
 */

/**
 * A session that is ready to be timed.
 * @typedef {object} Opened
 * @property {Runtime<any>} runtime
 * @property {Session<any>} session
 * @property {any} feeds any: what a runtime's feeds are is its own business
 * @property {(outputs: RawTensors) => Verification} verify
 * @property {Stopwatch} stopwatch
 */

/**
 * A message makes the page draw, and drawing competes for the cores: never inside the clock, and while something is timed so seldom
 * that it costs under 1 % of them (about 4 ms of processor time a message, all of Chromium's processes together, 2 cores, November 2026).
 */
const REPORT_EVERY_MS = { download: 100, timing: 500 };
/** No round is much longer than the others. */
const MOST_IN_A_ROUND = MOST_SAMPLES / 10;
/** A clock that shows 0 for so many inferences, one after another, stands still. */
const STANDSTILL = 100;
/** What others did to caches and sleeping threads costs well under a millisecond; to a slower inference it is nothing. */
const SETTLE_BELOW_MS = 1000;

/** One run's instrument. No method throws: whatever goes wrong is in the measurement's `error`, and ends the run. */
export class Benchmark {
  /**
   * @param {Asked} asked
   * @param {Subject} subject
   * @param {LoadRuntime<any>} loadRuntime
   * @param {Report} report
   */
  constructor(asked, subject, loadRuntime, report) {
    this.asked = asked;
    this.subject = subject;
    this.loadRuntime = loadRuntime;
    this.log = new Log(asked, report);
    /** @type {Opened | null} */
    this.opened = null;
    /** When the first sample began, by the runtime's clock. */
    this.origin = NaN;
  }

  /** @returns {Promise<Measurement>} */
  prepare() {
    return this.guarded(async () => {
      const { inputs, ...opened } = await this.open();
      const { session, runtime } = opened;
      const { subject, log } = this;
      const feeds = session.prepare(inputs);
      const name = `${runtime.name} ${runtime.version}`;
      this.opened = { runtime, session, feeds, verify: subject.verifier(session, name), stopwatch: new Stopwatch(runtime.now) };

      log.enter('first_inference');
      const { outputs, ms } = await this.opened.stopwatch.time(session, feeds);
      log.record({ first_ms: ms });
      log.enter('verification');
      log.proven('verification', this.opened.verify(outputs), subject.mismatch);
      if (this.asked.placement && subject.proveFurther) await subject.proveFurther(session, name, log);
      await this.warmUp();
    });
  }

  /**
   * One round. Its samples are kept only once its last outputs are proven; the check is of the last inference that was timed.
   * @param {Round} round
   * @returns {Promise<Measurement>} `stopped_by` is time_budget where no further round would bring anything
   */
  take({ round, samples: wanted, ms, settle }) {
    return this.guarded(async () => {
      const { session, feeds, verify, stopwatch } = this.ready();
      const { log } = this;
      log.stage = 'sampling';
      if (settle && stopwatch.latestMs < SETTLE_BELOW_MS) await stopwatch.time(session, feeds);

      const taken = new Taken(log.measured.samples);
      const news = () => this.progress(taken);
      const needsMore = () => (taken.n < wanted || taken.ms < ms) && taken.n < MOST_SAMPLES && taken.inRound.length < MOST_IN_A_ROUND;
      const hasTime = () => taken.n === 0 || stopwatch.spentMs < this.asked.timeBudgetS * 1000;
      /** @type {RawTensors | null} */
      let last = null;
      while (needsMore() && hasTime()) {
        const { outputs, begin, ms: duration } = await stopwatch.time(session, feeds);
        if (taken.n === 0) this.origin = begin;
        taken.add({ start_ms: begin - this.origin, duration_ms: duration, round });
        last = outputs;
        if (taken.ms === 0 && taken.n >= Math.max(wanted, STANDSTILL)) throw didNotMove(taken.n);
        log.tellSometimes(REPORT_EVERY_MS.timing, news);
      }
      if (!last) {
        // The inference that settles can use up what was left of the budget.
        if (!hasTime()) log.record({ stopped_by: 'time_budget' });
        return;
      }
      log.tell(news());
      log.proven('final_check', verify(last), this.subject.mismatch);
      log.record({ samples: taken.all, stopped_by: hasTime() ? 'iterations' : 'time_budget' });
    });
  }

  /**
   * The samples are worth nothing: from warm-up on once more.
   * @returns {Promise<Measurement>}
   */
  restart() {
    return this.guarded(async () => {
      const { log } = this;
      log.record({ samples: [], final_check: null, warmup_iterations: 0, warmup_ended_by: null, stopped_by: 'iterations' });
      this.ready().stopwatch.spentMs = log.measured.first_ms ?? 0;
      await this.warmUp();
    });
  }

  /**
   * What comes after the samples, and never while they are taken. The session is gone afterwards. The samples are proven by then: of
   * all that can go wrong here, only outputs that are wrong take them away.
   * @param {{stoppedBy: StoppedBy}} order
   * @returns {Promise<Measurement>}
   */
  finish({ stoppedBy }) {
    return this.guarded(async () => {
      const { runtime, session } = this.ready();
      const { log, asked } = this;
      const { samples } = log.measured;
      if (samples.every(({ duration_ms: ms }) => ms === 0)) throw didNotMove(samples.length);
      log.record({ stopped_by: stoppedBy });
      await this.endToEnd();
      this.opened = null;
      await session.release().catch((error) => console.warn(`The session could not be released: ${explain(error)}`));
      if (asked.backend !== 'wasm' && !asked.placement && runtime.placementOf) log.record({ placement: await this.placement(runtime.placementOf) });
    });
  }

  async endToEnd() {
    const { runtime, session, stopwatch } = this.ready();
    const { log, asked, subject } = this;
    if (asked.endToEnd === 0 || !subject.endToEnd) return;
    const total = asked.endToEnd;
    const limits = { times: total, budgetMs: asked.timeBudgetS * 1000, spentMs: stopwatch.spentMs, inferenceMs: stopwatch.latestMs };
    log.enter('end_to_end', total);
    /** @type {Error | null} */
    let wrong = null;
    try {
      const { taken, mismatch } = await takePasses(await subject.endToEnd(session, runtime.now), limits, (done) => {
        log.tellSometimes(REPORT_EVERY_MS.timing, () => ({ stage: 'end_to_end', done, total, samples: [] }));
      });
      if (!mismatch) log.record({ end_to_end: taken });
      wrong = mismatch;
    } catch (error) {
      log.record({ end_to_end_failure: explain(subject.refine(error)) });
    }
    if (wrong) throw wrong;
  }

  /**
   * Where nodes ran is told by a session that is made for that alone. It comes last, when all that was timed is proven: what goes wrong
   * with it takes nothing away from that, and is told on the console.
   * @param {NonNullable<Runtime<any>['placementOf']>} placementOf
   */
  async placement(placementOf) {
    const { backend, deviceType, threads } = this.asked;
    this.log.enter('placement');
    try {
      const outputs = this.subject.outputs;
      return await placementOf(await this.subject.fetchModel(), { backend, deviceType, threads, outputs, placement: true });
    } catch (error) {
      console.warn(`Where the nodes ran is not known: ${explain(error)}`);
      return null;
    }
  }

  /** A session, and what goes into it. The model's bytes end with this function: they would double the memory of what follows. */
  async open() {
    const { log, asked, subject } = this;
    const { backend, deviceType, threads, placement } = asked;
    const { model, inputs } = await subject.fetch(log);
    const runtime = await this.startRuntime();
    log.enter('session');
    const begin = runtime.now();
    const session = await runtime.createSession(model, { backend, deviceType, threads, outputs: subject.outputs, placement });
    log.record({ session_ms: runtime.now() - begin, threads: session.threads, placement: session.placement });
    return { runtime, session, inputs };
  }

  /** The runtime's own clock does not exist yet, so this is by the worker's. */
  async startRuntime() {
    const { log } = this;
    log.enter('runtime');
    const begin = performance.now();
    const runtime = await this.loadRuntime((done, total, waiting) => {
      const every = waiting === null ? REPORT_EVERY_MS.download : 0;
      log.tellSometimes(every, () => ({ stage: 'runtime', done, total: total ?? 0, samples: [], waiting }));
    });
    log.record({ runtime_ms: performance.now() - begin, runtime_version: runtime.version });
    return runtime;
  }

  async warmUp() {
    const { session, feeds, stopwatch } = this.ready();
    const { log, asked } = this;
    const total = asked.warmup ?? 0;
    log.enter('warm_up', total);
    const infer = async () => (await stopwatch.time(session, feeds)).ms;
    const endedBy = await warmUp(asked, log.measured.first_ms ?? 0, infer, (done) => {
      log.record({ warmup_iterations: done });
      log.tellSometimes(REPORT_EVERY_MS.timing, () => ({ stage: 'warm_up', done, total, samples: [] }));
    });
    log.record({ warmup_ended_by: endedBy });
  }

  /**
   * @param {Taken} taken
   */
  progress(taken) {
    const { iterations, minTimeS } = this.asked;
    const forTime = taken.ms > 0 ? Math.ceil((taken.n * minTimeS * 1000) / taken.ms) : 0;
    const total = Math.min(MOST_SAMPLES, Math.max(iterations, forTime, taken.n));
    return { stage: /** @type {const} */ ('sampling'), done: taken.n, total, samples: taken.news() };
  }

  ready() {
    if (!this.opened) throw new Error('there is no session: it was not prepared, or is finished');
    return this.opened;
  }

  /**
   * @param {() => Promise<void>} work
   * @returns {Promise<Measurement>}
   */
  async guarded(work) {
    if (this.log.measured.error) return this.log.measured;
    try {
      await work();
      return this.log.measured;
    } catch (error) {
      return this.log.failed(this.subject.refine(error));
    }
  }
}

/** The samples of a run while a round of them is taken. */
class Taken {
  /** @param {readonly Sample[]} before */
  constructor(before) {
    this.before = before;
    this.ms = before.reduce((sum, { duration_ms: ms }) => sum + ms, 0);
    /** @type {Sample[]} */
    this.inRound = [];
    this.told = 0;
  }

  get n() {
    return this.before.length + this.inRound.length;
  }

  get all() {
    return [...this.before, ...this.inRound];
  }

  /** @param {Sample} sample */
  add(sample) {
    this.inRound.push(sample);
    this.ms += sample.duration_ms;
  }

  /** Those that have not been told yet. */
  news() {
    const news = this.inRound.slice(this.told);
    this.told = this.inRound.length;
    return news;
  }
}
