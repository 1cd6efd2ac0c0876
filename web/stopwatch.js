import { ZooError } from './errors.js';

/** @import { RawTensors, Session } from './types.js' */

/** Times inferences by the runtime's clock, and refuses a clock that goes backwards. */
export class Stopwatch {
  /** @param {() => number} now milliseconds */
  constructor(now) {
    this.now = now;
    /** What all inferences took together, those that are thrown away included: what counts against the time budget. */
    this.spentMs = 0;
    this.latestMs = 0;
    this.latestEnd = -Infinity;
  }

  /**
   * One inference. Between two readings of the clock stands the runtime's run and nothing else.
   * @template Feeds
   * @param {Session<Feeds>} session
   * @param {Feeds} feeds
   * @returns {Promise<{outputs: RawTensors, begin: number, ms: number}>}
   * @throws {ZooError} when the clock went backwards
   */
  async time(session, feeds) {
    const begin = this.now();
    const outputs = await session.run(feeds);
    const end = this.now();
    if (begin < this.latestEnd || end < begin) throw wentBackwards(end < begin ? [begin, end] : [this.latestEnd, begin]);
    this.latestEnd = end;
    this.latestMs = end - begin;
    this.spentMs += this.latestMs;
    return { outputs, begin, ms: this.latestMs };
  }
}

/** @param {[number, number]} readings one after the other */
function wentBackwards([before, after]) {
  return new ZooError('The clock went backwards', {
    got: `${after} ms after ${before} ms`,
    expected: 'readings that never decrease',
    next: 'time it again; if it happens again, this browser cannot be measured with',
  });
}

/**
 * @param {number} inferences
 * @returns {ZooError}
 */
export function didNotMove(inferences) {
  return new ZooError('The clock did not move', {
    got: `${inferences} inferences of 0 ms each`,
    expected: 'one at least that took longer',
    next: 'ask for more timed inferences, or use a browser with a finer clock: pages that are cross-origin isolated have one',
  });
}
