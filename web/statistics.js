/** @import { Sample } from './run_types.js' */
/** @import { Summary } from './types.js' */

/** @type {Summary} */
const NOTHING = Object.freeze({
  n: 0,
  mean_ms: null,
  sd_ms: null,
  median_ms: null,
  p95_ms: null,
  min_ms: null,
  max_ms: null,
  median_low_ms: null,
  median_high_ms: null,
});
/** What may lie beyond each end of the median's 95 % interval. */
const TAIL = 0.025;

/**
 * Mean, sample standard deviation, median with its 95 % interval, 95th percentile and extremes, as timings/statistics.py computes them; both are held to
 * tests/vectors/statistics.json. Null where there is nothing to tell: everything for no samples, the standard deviation for one, the
 * interval for fewer than six.
 * @param {readonly Sample[]} samples
 * @returns {Summary}
 */
export function summarise(samples) {
  const durations = Float64Array.from(samples, (sample) => sample.duration_ms).sort();
  const n = durations.length;
  if (n === 0) return NOTHING;
  const median = percentile(durations, 50);
  // Around the median, because a mean of thirty times 0.1 is not 0.1: so equal samples have a deviation of exactly 0.
  const offsets = durations.map((duration) => duration - median);
  const offset = sum(offsets) / n;
  const ranks = medianRanks(n);
  return {
    n,
    mean_ms: median + offset,
    sd_ms: n < 2 ? null : Math.sqrt(sum(offsets.map((value) => (value - offset) ** 2)) / (n - 1)),
    median_ms: median,
    p95_ms: percentile(durations, 95),
    min_ms: at(durations, 0),
    max_ms: at(durations, n - 1),
    median_low_ms: ranks && at(durations, ranks[0] - 1),
    median_high_ms: ranks && at(durations, ranks[1] - 1),
  };
}

/**
 * Which of `n` sorted samples, counted from 1, bound the population's median with at least 95 % confidence, whatever the
 * distribution: each sample lies below the median with probability 1/2, so that the number of samples below it is binomial (David and
 * Nagaraja, Order Statistics, 3rd edition, section 7.1). Null for fewer than six samples: their extremes hold the median in
 * 2 * 0.5**5 = 94 % of cases at best.
 * @param {number} n
 * @returns {readonly [low: number, high: number] | null} the closest ranks, symmetric about the middle
 */
export function medianRanks(n) {
  // Binomial coefficients as shares of the greatest one, because 0.5 ** n is 0 from n = 1075 on.
  const middle = Math.floor(n / 2);
  const shares = new Float64Array(middle + 1);
  shares[middle] = 1;
  for (let k = middle; k > 0; k -= 1) shares[k - 1] = (at(shares, k) * k) / (n - k + 1);
  const total = 2 * sum(shares) - (n % 2 === 0 ? 1 : 0);
  let [low, tail] = [0, at(shares, 0)];
  while (low < middle && tail <= TAIL * total) {
    low += 1;
    tail += at(shares, low);
  }
  return low === 0 ? null : [low, n + 1 - low];
}

/**
 * A percentile with linear interpolation between the two nearest ranks (numpy's default, type 7 of Hyndman and Fan, 1996).
 * @param {Float64Array} sorted ascending, at least one number
 * @param {number} percent 0 to 100
 */
export function percentile(sorted, percent) {
  const rank = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(rank);
  const above = Math.min(below + 1, sorted.length - 1);
  return at(sorted, below) + (at(sorted, above) - at(sorted, below)) * (rank - below);
}

/** @param {Float64Array} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * @param {Float64Array} values
 * @param {number} index
 */
function at(values, index) {
  return /** @type {number} */ (values[index]);
}
