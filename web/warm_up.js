/** Inferences that are thrown away, until what follows is the steady state. */

import { percentile } from './statistics.js';

/** @import { WarmupEnd } from './run_types.js' */

/** Two windows one after the other agree when their medians are this close, as a share of the greater one. */
const AGREEMENT = 0.05;
/** A window has so many inferences at least, over so much time: short enough for heavy networks, long enough for coarse clocks. */
const WINDOW = { inferences: 5, ms: 50 };
/** Without agreement it ends when both are reached: time too, because browsers go on optimising code for a while, however fast it is. */
const LIMIT = { inferences: 60, ms: 500 };
const LIMIT_SHARE_OF_BUDGET = 0.2;
/** A first inference over this share of the time budget marks a heavy network: one warm-up has to do. */
const HEAVY_SHARE_OF_BUDGET = 0.05;

/**
 * @param {{warmup: number | null, timeBudgetS: number}} asked `warmup`: so many and no other number; null until windows agree
 * @param {number} firstMs what the first inference took
 * @param {() => Promise<number>} infer one inference; gives its milliseconds
 * @param {(done: number) => void} onDone called after each
 * @returns {Promise<WarmupEnd>} what ended it
 */
export async function warmUp({ warmup, timeBudgetS }, firstMs, infer, onDone) {
  if (warmup !== null) {
    for (let done = 1; done <= warmup; done += 1) {
      await infer();
      onDone(done);
    }
    return 'count';
  }
  return untilAgreement(timeBudgetS * 1000, firstMs, infer, onDone);
}

/**
 * Whether an inference is so much of the time budget that one of a kind has to do.
 * @param {number} inferenceMs
 * @param {number} budgetMs
 */
export function isHeavy(inferenceMs, budgetMs) {
  return inferenceMs > HEAVY_SHARE_OF_BUDGET * budgetMs;
}

/**
 * @param {number} budgetMs
 * @param {number} firstMs
 * @param {() => Promise<number>} infer
 * @param {(done: number) => void} onDone
 * @returns {Promise<'agreement' | 'limit'>}
 */
async function untilAgreement(budgetMs, firstMs, infer, onDone) {
  const most = isHeavy(firstMs, budgetMs) ? 1 : Infinity;
  const windows = new Windows();
  let [done, spent, latest] = [0, 0, firstMs];
  const isPastLimit = () => done >= LIMIT.inferences && (spent >= LIMIT.ms || spent === 0);
  while (done < most && !isPastLimit() && spent + latest <= LIMIT_SHARE_OF_BUDGET * budgetMs) {
    latest = await infer();
    spent += latest;
    done += 1;
    onDone(done);
    if (windows.add(latest)) return 'agreement';
  }
  return 'limit';
}

/** Windows of inferences, of which only the last two count. */
class Windows {
  constructor() {
    /** @type {number[]} */
    this.durations = [];
    /** @type {number | null} */
    this.before = null;
  }

  /**
   * @param {number} ms
   * @returns {boolean} whether this ends a window that agrees with the one before
   */
  add(ms) {
    this.durations.push(ms);
    const isFull = this.durations.length >= WINDOW.inferences && this.durations.reduce((sum, one) => sum + one, 0) >= WINDOW.ms;
    if (!isFull) return false;
    const median = percentile(Float64Array.from(this.durations).sort(), 50);
    const agrees = this.before !== null && Math.abs(median - this.before) <= AGREEMENT * Math.max(median, this.before);
    [this.before, this.durations] = [median, []];
    return agrees;
  }
}
