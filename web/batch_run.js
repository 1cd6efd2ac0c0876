/** One run of a batch: its worker, what it has measured, and what happened around it meanwhile. */

import { ZooError } from './errors.js';
import { failed } from './run_log.js';
import { targetOf, whyEnough } from './schedule.js';
import { summarise } from './statistics.js';
import { didNotMove } from './stopwatch.js';
import { Supervisor } from './supervisor.js';

/** @import { Calibration, Conditions, Failure, Order } from './run_types.js' */
/** @import { Asked, BackendOption, Measurement, Progress } from './types.js' */
/** @import { Battery } from './conditions.js' */
/** @import { Hold } from './hold.js' */
/** @import { RunState } from './overall.js' */
/** @import { Beginning, Circumstances } from './run_record.js' */
/** @import { Size } from './schedule.js' */
/** @import { Work } from './supervisor.js' */
/** @import { WakeLockState } from './wake_lock.js' */

/** @typedef {{wakeLock: WakeLockState, battery: Battery}} DeviceState */
/** What a row says of a run to come. */
/** @typedef {{model: {id: string, title: string}, variant: {name: string}, option: BackendOption}} Shown */

/**
 * What is to be measured, whatever it is. `failure`: why it cannot run here, where that is known beforehand.
 * @template {Shown} Planned
 * @template Finished
 * @typedef {object} Task
 * @property {string} runId
 * @property {Planned} planned
 * @property {Asked} asked
 * @property {Size} size
 * @property {Failure | null} failure
 * @property {Work} work
 * @property {(beginning: Beginning, measured: Measurement, circumstances: Circumstances) => Finished} record
 */

const MOST_REPEATS = 3;

/**
 * A run from its first step to its last. The steps never throw; once one has failed or the batch is stopped, the others do nothing.
 * @template {Shown} Planned
 * @template Finished
 */
export class BatchRun {
  /**
   * @param {Task<Planned, Finished>} task
   * @param {Order} order
   * @param {Hold} hold
   * @param {(run: BatchRun<Planned, Finished>, progress: Progress) => void} onProgress
   */
  constructor(task, order, hold, onProgress) {
    this.task = task;
    this.order = order;
    this.hold = hold;
    this.onProgress = onProgress;
    this.startedAt = '';
    this.measured = task.work.blank;
    /** @type {RunState['phase']} */
    this.phase = 'waiting';
    /** @type {Progress | null} */
    this.progress = null;
    /** @type {number | null} */
    this.prepareMs = null;
    /** The block's rounds that it has completed, those whose samples were forgotten later included. @type {Set<number>} */
    this.roundsTaken = new Set();
    /** The block's round after which its own first one came: samples that were forgotten are taken again in as many rounds. */
    this.roundBefore = 0;
    this.timesHidden = 0;
    this.repeats = 0;
    /** @type {{before: Calibration | null, after: Calibration | null}} */
    this.calibration = { before: null, after: null };
    /** @type {Supervisor | null} */
    this.worker = null;
    hold.signal.addEventListener('abort', () => this.worker?.stop(), { once: true });
  }

  /** Whether it still goes on. */
  get isOn() {
    return this.measured.error === null && this.phase !== 'waiting' && this.phase !== 'settled' && !this.hold.isStopped;
  }

  /** Whether a further round would bring something. */
  get wantsMore() {
    return this.isOn && whyEnough(this.measured, this.task.asked) === null;
  }

  begin() {
    this.startedAt = new Date().toISOString();
    this.phase = 'preparing';
  }

  /** Until its session is warm. A page that is hidden meanwhile has all of that done anew: these are numbers too. */
  async prepare() {
    const { failure, work } = this.task;
    if (failure) this.measured = failed(this.measured, failure.stage, failure.message);
    let isClean = false;
    while (this.isOn && !isClean) {
      await this.hold.ready();
      if (this.hold.isStopped) return;
      this.worker = new Supervisor(work, (progress) => this.hear(progress), (measured) => whyEnough(measured, this.task.asked) !== null);
      const begin = performance.now();
      const { worker } = this;
      isClean = await this.attempt(() => worker.prepare());
      this.prepareMs = performance.now() - begin;
      if (!isClean) this.repeat();
    }
    this.phase = 'sampling';
  }

  /**
   * One round. A page that is hidden meanwhile costs all samples so far, and they are taken again: from this round on, in as many
   * rounds as before, so that they still take turns with the other runs.
   * @param {number} round of the block
   * @param {boolean} settle
   */
  async take(round, settle) {
    const { worker } = this;
    if (!worker || !this.isOn) return;
    let isClean = await this.attempt(() => worker.take({ round, ...this.target(round), settle }));
    while (!isClean && this.isOn) {
      this.measured = { ...this.measured, samples: [], final_check: null };
      this.roundBefore = round - 1;
      if (!this.repeat()) return;
      await this.hold.ready();
      isClean = await this.attempt(() => worker.restart());
      if (isClean && this.isOn) isClean = await this.attempt(() => worker.take({ round, ...this.target(round), settle: false }));
    }
    const isNew = this.measured.samples.at(-1)?.round === round;
    if (isNew) this.roundsTaken.add(round);
    else if (this.wantsMore && !isReached(this.measured.samples, this.target(round))) this.measured = failed(this.measured, 'sampling', broughtNothing(round));
  }

  /**
   * How far a round takes it.
   * @param {number} round of the block
   */
  target(round) {
    return targetOf(round - this.roundBefore, this.task.asked, this.measured.samples.length);
  }

  /** What comes after the samples. A page that is hidden meanwhile costs the numbers end to end. */
  async finish() {
    const { worker, task } = this;
    if (!worker || !this.isOn) return;
    const isClean = await this.attempt(() => worker.finish(whyEnough(this.measured, task.asked) ?? 'iterations'));
    if (!isClean && this.measured.end_to_end.length > 0) this.measured = { ...this.measured, end_to_end: [], end_to_end_hidden: true };
    worker.stop();
  }

  /** Nothing more comes of it. Where it was stopped before it had enough, the measurement says so; samples that tell no time are none. */
  settle() {
    this.worker?.stop();
    this.phase = 'settled';
    const { samples } = this.measured;
    const isStill = samples.length > 0 && samples.every(({ duration_ms: ms }) => ms === 0);
    if (isStill) this.measured = failed(this.measured, 'final_check', didNotMove(samples.length).message);
    if (this.measured.error === null) this.measured = { ...this.measured, stopped_by: whyEnough(this.measured, this.task.asked) ?? 'user' };
  }

  /**
   * @param {Order} order
   * @param {DeviceState} device
   * @returns {Finished}
   */
  record(order, { wakeLock, battery }) {
    /** @type {Conditions} */
    const conditions = {
      times_hidden: this.timesHidden,
      repeats: this.repeats,
      wake_lock: wakeLock,
      battery_level: battery.level,
      battery_charging: battery.charging,
      calibration_before: this.calibration.before,
      calibration_after: this.calibration.after,
    };
    return this.task.record({ run_id: this.task.runId, started_at: this.startedAt }, this.measured, { order, conditions });
  }

  /** @returns {RunState} */
  state() {
    const { samples, first_ms: first } = this.measured;
    const sampledMs = samples.reduce((sum, { duration_ms: ms }) => sum + ms, 0);
    const { phase, progress, prepareMs, task } = this;
    const { median_ms: median, median_low_ms: low, median_high_ms: high } = summarise(samples);
    const width = median && low !== null && high !== null ? (high - low) / median : null;
    const { asked, size: { macs } } = task;
    return { phase, asked, macs, progress, prepareMs, inferenceMs: median ?? first, samples: samples.length, sampledMs, width };
  }

  /**
   * @param {() => Promise<Measurement>} step
   * @returns {Promise<boolean>} whether the page was seen all the time
   */
  async attempt(step) {
    const before = this.hold.hides;
    this.measured = await step();
    const hides = this.hold.hides - before;
    this.timesHidden += hides;
    return hides === 0;
  }

  /**
   * What was measured while the page was hidden is worth nothing. It is measured again, but not for ever.
   * @returns {boolean} whether it may be
   */
  repeat() {
    if (!this.isOn) return false;
    if (this.repeats < MOST_REPEATS) {
      this.repeats += 1;
      return true;
    }
    const error = new ZooError('This page was hidden again and again while this was timed', {
      got: `${this.timesHidden} times hidden, so that it was begun ${MOST_REPEATS + 1} times`,
      expected: 'a page that is seen until it is timed: browsers slow hidden pages down',
      next: 'keep this tab in front and the screen on, then time it again',
    });
    this.measured = failed(this.measured, this.progress?.stage ?? 'start', error.message);
    this.worker?.stop();
    return false;
  }

  /** @param {Progress} progress */
  hear(progress) {
    this.progress = progress;
    if (this.worker) this.measured = this.worker.measured;
    this.onProgress(this, progress);
  }
}

/**
 * @param {Measurement['samples']} samples
 * @param {{samples: number, ms: number}} target of a round
 */
function isReached(samples, { samples: wanted, ms }) {
  return samples.length >= wanted && samples.reduce((sum, { duration_ms: duration }) => sum + duration, 0) >= ms;
}

/**
 * Else rounds would follow without end.
 * @param {number} round
 */
function broughtNothing(round) {
  return new ZooError('A round brought no sample', {
    got: `no sample in round ${round}, and no reason for that`,
    expected: 'a sample, or the reason why no more are taken',
    next: 'time it again; if it happens again, report it as a defect of this page',
  }).message;
}
