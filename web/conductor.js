/** Measures the runs of a batch: block by block, and in a block in rounds that take turns, so that what drifts meets all alike. */

import { BatchRun } from './batch_run.js';
import { atRest, calibrate } from './calibration.js';
import { watchConditions } from './conditions.js';
import { Hold } from './hold.js';
import { isOutOfMemory } from './memory.js';
import { overallOf } from './overall.js';
import { orderKept, roundOrder } from './schedule.js';

/** @import { Calibration, Order, Stage } from './run_types.js' */
/** @import { Progress } from './types.js' */
/** @import { DeviceState, Shown, Task } from './batch_run.js' */
/** @import { Control } from './hold.js' */
/** @import { WakeLockState } from './wake_lock.js' */

/**
 * Who is told how it goes. `said`: why nothing moves at the moment, null when it goes on.
 * @template {Shown} Planned
 * @template Finished
 * @typedef {object} Listener
 * @property {(runs: readonly {runId: string, planned: Planned, order: Order}[]) => void} planned All runs, in their order.
 * @property {(runId: string) => void} begun
 * @property {(runId: string, progress: Progress, overall: {share: number, remainingMs: number | null}) => void} progressed
 * @property {(text: string | null) => void} said
 * @property {(run: Finished) => void} finished
 * @property {(runId: string) => void} abandoned
 * @property {() => void} [settled] Asked to draw now what it would draw later, because nothing is timed.
 */

/**
 * What a batch needs besides its runs.
 * @template {Shown} Planned
 * @template Finished
 * @typedef {object} Surroundings
 * @property {Listener<Planned, Finished>} listener
 * @property {Control} control
 * @property {number | null} cores
 * @property {() => WakeLockState} wakeLock
 * @property {(finished: Finished, runId: string) => Promise<void>} keep Called for each run as soon as it is over.
 * @property {() => Promise<void>} send Called when nothing is timed.
 * @property {(active: {runId: string, startedAt: string, stage: Stage} | null) => void} mark Which run has the device, before each step; null: none.
 */

/** A hidden page is given no frame to draw; it is not waited for then. */
const FRAME_PATIENCE_MS = 100;
const CALIBRATING = 'Looking how busy this device is.';
const STARVED = 'its memory did not suffice beside other sessions, so it was run again alone';
/** After Stop, a server that is there has the last runs in this time; for another one nobody waits: they stay kept. */
const SENDING_PATIENCE_MS = 1000;

/**
 * @template {Shown} Planned
 * @template Finished
 * @param {readonly {task: Task<Planned, Finished>, order: Order}[]} entries in their order
 * @param {Surroundings<Planned, Finished>} surroundings
 * @returns {Promise<{done: number, failed: number}>} how many runs were finished, and how many of them failed
 */
export async function conduct(entries, surroundings) {
  const watch = watchConditions();
  const hold = new Hold(surroundings.control, watch, surroundings.listener.said);
  const conductor = new Conductor(entries, surroundings, hold, () => ({ wakeLock: surroundings.wakeLock(), battery: watch.battery() }));
  try {
    return await conductor.conduct();
  } finally {
    conductor.dismiss();
    watch.stop();
  }
}

/**
 * @template {Shown} Planned
 * @template Finished
 */
class Conductor {
  /**
   * @param {readonly {task: Task<Planned, Finished>, order: Order}[]} entries
   * @param {Surroundings<Planned, Finished>} surroundings
   * @param {Hold} hold
   * @param {() => DeviceState} device
   */
  constructor(entries, surroundings, hold, device) {
    this.surroundings = surroundings;
    this.hold = hold;
    this.device = device;
    this.runs = entries.map(({ task, order }) => this.runOf(task, order));
    this.result = { done: 0, failed: 0 };
    /** @type {BatchRun<Planned, Finished>[]} Those that ran out of memory beside others. */
    this.starved = [];
    /** @type {Map<BatchRun<Planned, Finished>, BatchRun<Planned, Finished>>} By the run that repeats it: recorded if that one is stopped. */
    this.originals = new Map();
    /** @type {Set<Task<Planned, Finished>>} One that is run again has begun before. */
    this.begun = new Set();
    /** @type {BatchRun<Planned, Finished> | null} The one that had the device last. */
    this.latest = null;
    this.marked = '';
    /** How far the batch is. Samples that are taken again, or turn out to be more, hold it up; it never goes back. */
    this.share = 0;
  }

  async conduct() {
    const [hopeless, others] = [this.runs.filter(({ task }) => task.failure), this.runs.filter(({ task }) => !task.failure)];
    for (const run of hopeless) await this.prepare(run, [run]);
    if (hopeless.length > 0) await this.send();
    let calibration = others.length > 0 ? await this.calibrateAtFirst() : null;
    for (const block of blocksIn(others)) calibration = await this.measure(block, calibration);
    for (const run of this.starved) {
      const again = this.aloneNow(run);
      calibration = await this.measure([again], calibration);
      await this.settle(again, [again]);
    }
    if (this.starved.length > 0) await this.send();
    return this.result;
  }

  /** Whatever has happened, no worker stays behind. */
  dismiss() {
    for (const { worker } of this.runs) worker?.stop();
  }

  /**
   * A block from its first session to its last Run.
   * @param {readonly BatchRun<Planned, Finished>[]} block
   * @param {Calibration | null} before
   * @returns {Promise<Calibration | null>} the calibration after it
   */
  async measure(block, before) {
    if (this.hold.isStopped) return null;
    for (const run of block) {
      run.calibration.before = before;
      await this.prepare(run, block);
    }
    await this.takeTurns(block);
    for (const run of block.filter(({ isOn }) => isOn)) {
      await this.ready();
      this.mark(run, 'final_check');
      await run.finish();
      if (run.measured.error) await this.settle(run, block);
    }
    const after = await this.calibrate();
    for (const run of block.filter(({ phase }) => phase !== 'waiting')) {
      run.calibration.after = after;
      await this.settle(run, block);
    }
    await this.send();
    return after;
  }

  async send() {
    const patience = this.hold.stopped.then(() => new Promise((resolve) => setTimeout(resolve, SENDING_PATIENCE_MS)));
    await Promise.race([this.surroundings.send(), patience]);
  }

  /**
   * @param {BatchRun<Planned, Finished>} run
   * @param {readonly BatchRun<Planned, Finished>[]} block
   */
  async prepare(run, block) {
    await this.ready();
    if (this.hold.isStopped) return;
    run.begin();
    if (!this.begun.has(run.task)) this.surroundings.listener.begun(run.task.runId);
    this.begun.add(run.task);
    this.mark(run, 'start');
    await run.prepare();
    this.latest = run;
    if (run.measured.error) await this.settle(run, block);
  }

  /**
   * Rounds, until no run of the block wants another one.
   * @param {readonly BatchRun<Planned, Finished>[]} block
   */
  async takeTurns(block) {
    const [{ order } = { order: null }] = block;
    for (let round = 1; order && block.some(({ wantsMore }) => wantsMore); round += 1) {
      for (const run of roundOrder(block, { seed: order.seed, first: order.position, round })) {
        if (!run.wantsMore) continue;
        const hasWaited = await this.ready();
        this.mark(run, 'sampling');
        await run.take(round, hasWaited || this.latest !== run);
        this.latest = run;
        if (run.measured.error) await this.settle(run, block);
        this.surroundings.listener.settled?.();
        await drawn();
      }
    }
  }

  /**
   * A run that is over is recorded, shown and kept at once, so that what comes after cannot lose it. Of one that was stopped, what is
   * proven stays. One that ran out of memory beside others is put aside for a time when it has all of it.
   * @param {BatchRun<Planned, Finished>} run
   * @param {readonly BatchRun<Planned, Finished>[]} block
   */
  async settle(run, block) {
    if (run.phase === 'settled') return;
    const { runId } = run.task;
    run.settle();
    const { error, samples } = run.measured;
    this.mark(null);
    if (error && block.length > 1 && isOutOfMemory(error.message) && !this.hold.isStopped) {
      this.starved.push(run);
    } else if (error || samples.length > 0) {
      await this.record(run, orderKept(run.order, samples, block.filter((other) => other !== run).map((other) => other.roundsTaken)));
    } else {
      const before = this.originals.get(run);
      if (before) await this.record(before, before.order);
      else this.surroundings.listener.abandoned(runId);
    }
  }

  /**
   * @param {BatchRun<Planned, Finished>} run
   * @param {Order} order
   */
  async record(run, order) {
    this.result.done += 1;
    if (run.measured.error) this.result.failed += 1;
    const finished = run.record(order, this.device());
    this.surroundings.listener.finished(finished);
    await this.surroundings.keep(finished, run.task.runId);
  }

  /**
   * The same run once more, with nothing beside it.
   * @param {BatchRun<Planned, Finished>} run
   */
  aloneNow(run) {
    const { task, order } = run;
    const block = Math.max(...this.runs.map((one) => one.order.block)) + 1;
    const again = this.runOf(task, { ...order, mode: 'sequential', block, reason: STARVED });
    this.runs = this.runs.map((one) => (one.task === task ? again : one));
    this.originals.set(again, run);
    return again;
  }

  /**
   * @param {Task<Planned, Finished>} task
   * @param {Order} order
   * @returns {BatchRun<Planned, Finished>}
   */
  runOf(task, order) {
    return new BatchRun(task, order, this.hold, (run, progress) => {
      this.mark(run, progress.stage);
      this.tell(run);
    });
  }

  /** @param {BatchRun<Planned, Finished>} run */
  tell(run) {
    if (!run.progress) return;
    const { share, remainingMs } = overallOf(this.runs.map((one) => one.state()));
    this.share = Math.max(this.share, share);
    this.surroundings.listener.progressed(run.task.runId, run.progress, { share: this.share, remainingMs });
  }

  async calibrateAtFirst() {
    this.surroundings.listener.said(CALIBRATING);
    await atRest(this.surroundings.control.signal);
    return this.calibrate();
  }

  async calibrate() {
    await this.ready();
    if (this.hold.isStopped) return null;
    const { listener, cores, control } = this.surroundings;
    listener.said(CALIBRATING);
    const { hides } = this.hold;
    const calibration = await calibrate(cores, control.signal);
    listener.said(null);
    return this.hold.hides === hides ? calibration : null; // What a hidden page measures is how browsers slow it down.
  }

  /** @returns {Promise<boolean>} whether something had to be waited for */
  async ready() {
    if (!this.hold.mustWait) return false;
    this.mark(null);
    return this.hold.ready();
  }

  /**
   * @param {BatchRun<Planned, Finished> | null} run
   * @param {Stage} [stage]
   */
  mark(run, stage = 'start') {
    const key = run ? `${run.task.runId} ${stage}` : '';
    if (key === this.marked) return;
    this.marked = key;
    this.surroundings.mark(run && { runId: run.task.runId, startedAt: run.startedAt, stage });
  }
}

/**
 * @template {{order: Order}} Run
 * @param {readonly Run[]} runs in their order
 * @returns {readonly (readonly Run[])[]} the blocks, in the order of their numbers
 */
function blocksIn(runs) {
  const numbers = [...new Set(runs.map(({ order }) => order.block))].sort((one, other) => one - other);
  return numbers.map((number) => runs.filter(({ order }) => order.block === number));
}

/** Let the page draw what it was told, so that it does not draw while the next round is timed. */
function drawn() {
  return new Promise((resolve) => {
    const patience = setTimeout(resolve, FRAME_PATIENCE_MS);
    requestAnimationFrame(() => {
      clearTimeout(patience);
      setTimeout(resolve);
    });
  });
}
