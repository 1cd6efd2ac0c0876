/** @import { Sample, Summary } from './types.js' */

/**
 * Mean, sample standard deviation, median, 95th percentile and extremes, as timings/statistics.py computes them; both are held to
 * tests/vectors/statistics.json. Null where there is nothing to tell: everything for no samples, the standard deviation for one.
 * @param {readonly Sample[]} samples
 * @returns {Summary}
 */
export function summarise(samples) {
  const durations = Float64Array.from(samples, (sample) => sample.duration_ms).sort();
  const n = durations.length;
  if (n === 0) return { n, mean_ms: null, sd_ms: null, median_ms: null, p95_ms: null, min_ms: null, max_ms: null };
  const median = percentile(durations, 50);
  // Around the median, because a mean of thirty times 0.1 is not 0.1: so equal samples have a deviation of exactly 0.
  const offsets = durations.map((duration) => duration - median);
  const offset = sum(offsets) / n;
  return {
    n,
    mean_ms: median + offset,
    sd_ms: n < 2 ? null : Math.sqrt(sum(offsets.map((value) => (value - offset) ** 2)) / (n - 1)),
    median_ms: median,
    p95_ms: percentile(durations, 95),
    min_ms: at(durations, 0),
    max_ms: at(durations, n - 1),
  };
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
