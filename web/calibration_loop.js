/** The loop that a calibration times, and how it is timed. */

/** @import { Passes } from './calibration.js' */

/** Always so many, so that passes compare before and after, and between devices: about 1 ms at 3 GHz. */
const ROUNDS = 1_000_000;
/** The engine compiles the loop, and the processor leaves its idle frequency. */
const SETTLE_MS = 60;
const MEASURE_MS = 150;
/** Passes are timed together until they last so many steps of the clock, so that its coarseness adds 5 % at most. */
const STEPS = 20;
const STEP_SAMPLES = 5;

/**
 * @param {() => number} now milliseconds
 * @param {(rounds: number) => number} [work] what a pass is; another only in tests
 * @returns {Passes}
 */
export function measurePasses(now, work = loop) {
  for (const begin = now(); now() - begin < SETTLE_MS; ) work(ROUNDS);
  const together = passesTogether(now, work);
  const begin = now();
  let [before, groups, fastest] = [begin, 0, Infinity];
  while (before - begin < MEASURE_MS) {
    for (let pass = 0; pass < together; pass += 1) work(ROUNDS);
    const after = now();
    fastest = Math.min(fastest, after - before);
    [before, groups] = [after, groups + 1];
  }
  return { fastest_ms: fastest / together, lost_share: Math.max(0, 1 - (groups * fastest) / (before - begin)) };
}

/**
 * @param {() => number} now
 * @param {(rounds: number) => number} work
 */
function passesTogether(now, work) {
  const long = STEPS * stepOf(now);
  const begin = now();
  let passes = 0;
  do {
    work(ROUNDS);
    passes += 1;
  } while (now() - begin < long);
  return passes;
}

/**
 * The smallest step that the clock was seen to take.
 * @param {() => number} now
 */
function stepOf(now) {
  let [smallest, before] = [Infinity, now()];
  for (let steps = 0; steps < STEP_SAMPLES; ) {
    const after = now();
    if (after === before) continue;
    smallest = Math.min(smallest, after - before);
    before = after;
    steps += 1;
  }
  return smallest;
}

/**
 * Multiplications that each need the last one's result, so that no engine can shorten or reorder them, and no memory.
 * @param {number} rounds
 */
function loop(rounds) {
  let value = 1;
  for (let round = 0; round < rounds; round += 1) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
  return value;
}
