/** In which order runs are measured, which of them take turns, how long a round is, and when a run has enough. Nothing here waits or looks. */

import { randomNumbers, shuffled } from './random.js';
import { MOST_SAMPLES } from './run_log.js';
import { summarise } from './statistics.js';

/** @import { Device, Order, Sample, StoppedBy } from './run_types.js' */
/** @import { Asked, Measurement } from './types.js' */
/** What a session's memory depends on. */
/** @typedef {{bytes: number, macs: number}} Size */

const ROUNDS = 10;
/** Rounds that follow because they have to are each so much longer than all before, so that thousands of samples need few checks. */
const GROWTH = 1.25;
/** More sessions at once make rounds so long that the device changes between two of one run. */
const MOST_TOGETHER = 8;
const DESERTED = 'none of the runs that it was to take turns with completed a round: each failed, lacked memory or was stopped before';
const MB = 1e6;
/**
 * Of one session: a worker with its runtime, the model's file as often as it is in memory while the session is made, and what the network
 * computes on its way, which its multiplications stand for. For 18 networks of 14 to 354 MB the renderer's proportional set size grew by
 * 126 to 1374 MB a session; this is 6 % less to 60 % more, and 17 % at most from 100 MB on (Chromium 156, WebAssembly on 2 threads,
 * November 2026).
 */
const MEMORY = { base: 120 * MB, perModelByte: 3.6, perMac: 0.0015 };
/**
 * What all sessions together may take, of the memory that the browser tells. Where it tells none (Firefox, Safari): what a computer of
 * 6 GB and a phone of 3 GB would get. The systems of phones and tablets end pages long before the memory is full.
 */
const BUDGET = { share: 0.25, handheldShare: 0.125, unknown: 1500 * MB, handheldUnknown: 375 * MB };

/**
 * Bytes that a session is expected to take.
 * @param {Size} size
 */
export function memoryOf({ bytes, macs }) {
  return MEMORY.base + MEMORY.perModelByte * bytes + MEMORY.perMac * macs;
}

/**
 * Bytes that all sessions that are open at once may take.
 * @param {Pick<Device, 'memory_gb'>} device
 * @param {boolean} isHandheld a phone or a tablet
 */
export function memoryBudget({ memory_gb: gigabytes }, isHandheld) {
  if (gigabytes === null) return isHandheld ? BUDGET.handheldUnknown : BUDGET.unknown;
  return gigabytes * 2 ** 30 * (isHandheld ? BUDGET.handheldShare : BUDGET.share);
}

/**
 * The runs in the order of a seed, each with its place.
 * @template {{size: Size, isRunnable: boolean}} Run
 * @param {readonly Run[]} runs
 * @param {{order: 'interleaved' | 'sequential', seed: number, batchId: string, budget: number}} how `budget` in bytes
 * @returns {readonly {run: Run, order: Order}[]}
 */
export function inOrder(runs, { order: asked, seed, batchId, budget }) {
  const shuffledRuns = shuffled(runs, randomNumbers(seed));
  const runnable = shuffledRuns.filter(({ isRunnable }) => isRunnable);
  const together = asked === 'sequential' ? runnable.map((run) => [run]) : blocksOf(runnable, ({ size }) => memoryOf(size), budget);
  const blocks = [...together, ...shuffledRuns.filter(({ isRunnable }) => !isRunnable).map((run) => [run])];
  const whyAlone = (/** @type {Run} */ run) => (asked === 'sequential' ? 'asked for with order=sequential' : noRoom(memoryOf(run.size), budget));
  return shuffledRuns.map((run, index) => {
    const block = blocks.findIndex((one) => one.includes(run));
    const isAlone = !run.isRunnable || runnable.length === 1;
    const mode = isAlone ? 'alone' : /** @type {Run[]} */ (blocks[block]).length > 1 ? 'interleaved' : 'sequential';
    const reason = mode === 'sequential' ? whyAlone(run) : null;
    return { run, order: { batch_id: batchId, mode, seed, position: index + 1, runs: runs.length, block: block + 1, reason } };
  });
}

/**
 * Runs one after another as they come, as many at once as memory allows.
 * @template Run
 * @param {readonly Run[]} runs
 * @param {(run: Run) => number} memory in bytes
 * @param {number} budget in bytes
 * @returns {Run[][]}
 */
export function blocksOf(runs, memory, budget) {
  /** @type {Run[][]} */
  const blocks = [];
  let left = 0;
  for (const run of runs) {
    const block = blocks.at(-1);
    if (block && memory(run) <= left && block.length < MOST_TOGETHER) block.push(run);
    else blocks.push([run]);
    left = (blocks.at(-1) === block ? left : budget) - memory(run);
  }
  return blocks;
}

/**
 * @param {number} memory
 * @param {number} budget
 */
function noRoom(memory, budget) {
  const inMegabytes = (/** @type {number} */ bytes) => `${Math.round(bytes / MB)} MB`;
  return `no other run fitted beside it: about ${inMegabytes(memory)} of the ${inMegabytes(budget)} that all sessions together may take here`;
}

/**
 * A block's runs in the order of one round.
 * @template Run
 * @param {readonly Run[]} block
 * @param {{seed: number, first: number, round: number}} which `first`: the position of the block's first run, so that every block differs
 * @returns {Run[]}
 */
export function roundOrder(block, { seed, first, round }) {
  return shuffled(block, randomNumbers(seed ^ Math.imul(first, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b)));
}

/**
 * The order that a run really had: one of which most samples were taken while no other run was took turns with nobody.
 * @param {Order} order
 * @param {readonly Pick<Sample, 'round'>[]} samples
 * @param {readonly ReadonlySet<number>[]} others of each other run of its block, the rounds that it completed
 * @returns {Order}
 */
export function orderKept(order, samples, others) {
  const shared = samples.filter(({ round }) => others.some((rounds) => rounds.has(round))).length;
  if (order.mode !== 'interleaved' || 2 * shared >= samples.length) return order;
  const reason = others.every((rounds) => rounds.size === 0) ? DESERTED : `only ${shared} of its ${samples.length} samples were taken in rounds that another run shared`;
  return { ...order, mode: 'sequential', reason };
}

/**
 * How far a round takes a run: samples, over milliseconds, in all.
 * @param {number} round from 1
 * @param {Pick<Asked, 'iterations' | 'minTimeS'>} asked
 * @param {number} taken samples so far
 * @returns {{samples: number, ms: number}}
 */
export function targetOf(round, { iterations, minTimeS }, taken) {
  const rounds = Math.min(ROUNDS, iterations);
  const share = Math.min(1, round / rounds);
  const further = round > rounds ? Math.ceil(taken * GROWTH) : 0;
  return { samples: Math.min(MOST_SAMPLES, Math.max(Math.ceil(iterations * share), further)), ms: minTimeS * 1000 * share };
}

/**
 * Whether no further round is wanted, and what ended the sampling then.
 * @param {Pick<Measurement, 'samples' | 'stopped_by'>} measured
 * @param {Pick<Asked, 'iterations' | 'minTimeS' | 'precision'>} asked
 * @returns {StoppedBy | null} null: samples are missing
 */
export function whyEnough({ samples, stopped_by: stoppedBy }, asked) {
  return whatSuffices(samples, asked) ?? (stoppedBy === 'time_budget' ? stoppedBy : null);
}

/**
 * @param {readonly Sample[]} samples
 * @param {Pick<Asked, 'iterations' | 'minTimeS' | 'precision'>} asked
 * @returns {'iterations' | 'precision' | null}
 */
function whatSuffices(samples, { iterations, minTimeS, precision }) {
  if (samples.length < iterations) return null;
  const isFull = samples.length >= MOST_SAMPLES;
  const ms = samples.reduce((sum, { duration_ms: duration }) => sum + duration, 0);
  if (ms < minTimeS * 1000 && !isFull) return null;
  if (precision === null) return 'iterations';
  const { median_ms: median, median_low_ms: low, median_high_ms: high } = summarise(samples);
  if (median !== null && low !== null && high !== null && high - low < precision * median) return 'precision';
  return isFull ? 'iterations' : null;
}
