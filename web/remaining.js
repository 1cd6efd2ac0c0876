/** How long is left, said so that it can be believed: it counts down by the clock, and jumps only where it was clearly wrong. */

import { roughly } from './format.js';

/** An estimate this near to what the clock made of the last one says nothing new. */
const SAME_SHARE = 0.25;
const SAME_MS = 8000;
/** Nobody waits for a number like that, so it is none. */
const MOST_MS = 48 * 3_600_000;

/** Steadies the estimates of one batch. */
export class Remaining {
  constructor() {
    /** When the batch will be over, on the caller's clock. @type {number | null} */
    this.endsAt = null;
  }

  /**
   * @param {number | null} remainingMs what is estimated now; null where it is not known
   * @param {number} nowMs
   * @returns {{words: string, ms: number | null}} empty and null where nothing is known
   */
  tell(remainingMs, nowMs) {
    if (remainingMs === null || !(remainingMs >= 0 && remainingMs <= MOST_MS)) {
      this.endsAt = null;
      return { words: '', ms: null };
    }
    const expected = this.endsAt === null ? null : this.endsAt - nowMs;
    const isSame = expected !== null && expected >= 0 && isNear(remainingMs, expected);
    const left = isSame ? expected : remainingMs;
    this.endsAt = nowMs + left;
    return { words: `${roughly(left / 1000)} left`, ms: left };
  }
}

/**
 * @param {number} one milliseconds
 * @param {number} other
 */
function isNear(one, other) {
  return Math.abs(one - other) <= Math.max(SAME_MS, SAME_SHARE * Math.max(one, other));
}
