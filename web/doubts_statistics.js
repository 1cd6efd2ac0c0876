/**
 * What samples in the order taken say against their own summary: that they drift, that they rise, that they are of two kinds, that a
 * few are far beyond the rest. Each gives the numbers that it saw, or null where it saw nothing. docs/method.md says why the limits
 * are where they are, and tests/web/test_warnings.py how seldom chance passes them.
 */

import { percentile } from './statistics.js';

/** Two-sided 0.5 %: with the limit on the size beside it, chance alone passes in well under 1 % of runs. */
const CRITICAL_Z = 2.807;
/** What a third may differ from another without being worth a word. */
const DRIFT_SHARE = 0.02;
/** A trend is sought in so many points at most: medians of equal chunks, which also takes out what links neighbours. */
const TREND_POINTS = 30;
/** The lesser of two kinds of samples is at least a fifth of them. */
const LESSER_SHARE = 0.2;
const KINDS_FROM = 20;
/** The gap between them is so many times as wide as the wider one. */
const KINDS_GAP = 1.3;
/** Two kinds closer than this share of the median are one, for people. */
const KINDS_APART = 0.05;
/** Interquartile ranges above the upper quartile. */
const FAR_OUT = 3;
const FAR_OUT_SHARE = 0.05;
const FAR_OUT_FROM = 20;
/** The fence stands at least this share of the median above it: below that, a slow sample costs nobody anything. */
const FENCE_SHARE = 0.1;
/** A difference of fewer steps of the clock may be the clock's. */
const CLOCK_STEPS = 3;

/**
 * The last third's median against the first's, where they differ by over 2 % and by more than chance does: a rank test (Mann and
 * Whitney, 1947, with its correction for ties), which asks nothing of the distribution.
 * @param {readonly number[]} durations in the order taken
 * @param {number} step of the clock
 * @returns {{first: number, last: number} | null} the two medians
 */
export function drift(durations, step) {
  const third = Math.floor(durations.length / 3);
  if (third < 2) return null;
  const [early, late] = [durations.slice(0, third), durations.slice(-third)];
  const [first, last] = [medianOf(early), medianOf(late)];
  const isLarge = Math.abs(last - first) > Math.max(DRIFT_SHARE * first, step);
  return isLarge && Math.abs(rankZ(early, late)) > CRITICAL_Z ? { first, last } : null;
}

/**
 * Whether the durations rise from beginning to end, by more than chance makes them: Mann's trend test (1945, with its correction for
 * ties).
 * @param {readonly number[]} durations in the order taken
 */
export function rises(durations) {
  const points = Math.min(durations.length, TREND_POINTS);
  const chunks = Array.from({ length: points }, (_, index) =>
    medianOf(durations.slice(Math.floor((index * durations.length) / points), Math.floor(((index + 1) * durations.length) / points))),
  );
  return trendZ(chunks) > CRITICAL_Z;
}

/**
 * Two clusters, each of at least a fifth of the samples, whose cores (the middle 80 % of each) stand well apart.
 * @param {readonly number[]} durations
 * @param {number} step of the clock
 * @returns {{low: number, high: number, lowCount: number, highCount: number} | null} the clusters' medians and sizes
 */
export function twoKinds(durations, step) {
  const n = durations.length;
  if (n < KINDS_FROM) return null;
  const sorted = Float64Array.from(durations).sort();
  const split = bestSplit(sorted, Math.ceil(LESSER_SHARE * n));
  const [low, high] = [sorted.subarray(0, split), sorted.subarray(split)];
  const widest = Math.max(percentile(low, 90) - percentile(low, 10), percentile(high, 90) - percentile(high, 10));
  const gap = percentile(high, 10) - percentile(low, 90);
  const isApart = gap > Math.max(KINDS_GAP * widest, KINDS_APART * percentile(sorted, 50), CLOCK_STEPS * step);
  return isApart
    ? { low: percentile(low, 50), high: percentile(high, 50), lowCount: split, highCount: n - split }
    : null;
}

/**
 * Samples far beyond the others, where they are too many to be an accident.
 * @param {readonly number[]} durations
 * @param {number} step of the clock
 * @returns {{count: number, fence: number, slowest: number} | null}
 */
export function farOut(durations, step) {
  const n = durations.length;
  if (n < FAR_OUT_FROM) return null;
  const sorted = Float64Array.from(durations).sort();
  const median = percentile(sorted, 50);
  const fence = Math.max(farOutFence(sorted), (1 + FENCE_SHARE) * median, median + CLOCK_STEPS * step);
  const count = sorted.filter((duration) => duration > fence).length;
  return count >= 2 && count > FAR_OUT_SHARE * n ? { count, fence, slowest: percentile(sorted, 100) } : null;
}

/**
 * Tukey's fence, beyond which a value is "far out" (Exploratory Data Analysis, 1977, chapter 2): of normal ones, one in 800,000 is.
 * @param {Float64Array} sorted at least one number
 */
export function farOutFence(sorted) {
  const [lower, upper] = [percentile(sorted, 25), percentile(sorted, 75)];
  return upper + FAR_OUT * (upper - lower);
}

/**
 * Where to cut sorted numbers in two so that the parts differ most from each other and least within: the split of the greatest
 * variance between them (Otsu, 1979), with at least `least` on either side.
 * @param {Float64Array} sorted
 * @param {number} least
 * @returns {number} how many are in the lower part
 */
function bestSplit(sorted, least) {
  const n = sorted.length;
  const total = sorted.reduce((sum, value) => sum + value, 0);
  let [best, greatest, below] = [least, -1, 0];
  for (let count = 1; count <= n - least; count += 1) {
    below += /** @type {number} */ (sorted[count - 1]);
    if (count < least) continue;
    const between = count * (n - count) * (below / count - (total - below) / (n - count)) ** 2;
    if (between > greatest) [best, greatest] = [count, between];
  }
  return best;
}

/**
 * Mann and Whitney's statistic, standardised, ties and continuity corrected.
 * @param {readonly number[]} first
 * @param {readonly number[]} second
 * @returns {number} above 0 where the second is greater
 */
function rankZ(first, second) {
  const all = [...first.map((value) => ({ value, isSecond: false })), ...second.map((value) => ({ value, isSecond: true }))];
  all.sort((a, b) => a.value - b.value);
  const [m, n, total] = [first.length, second.length, all.length];
  let [rankSum, ties] = [0, 0];
  for (let begin = 0; begin < total; ) {
    let end = begin;
    while (end < total && all[end]?.value === all[begin]?.value) end += 1;
    const size = end - begin;
    rankSum += all.slice(begin, end).filter(({ isSecond }) => isSecond).length * ((begin + 1 + end) / 2);
    ties += size ** 3 - size;
    begin = end;
  }
  const excess = rankSum - (n * (n + 1)) / 2 - (m * n) / 2;
  return standardised(excess, 0.5, ((m * n) / 12) * (total + 1 - ties / (total * (total - 1))));
}

/**
 * Mann's statistic of a trend, standardised, ties and continuity corrected.
 * @param {readonly number[]} values
 * @returns {number} above 0 where they rise
 */
function trendZ(values) {
  const n = values.length;
  let excess = 0;
  for (const [index, value] of values.entries()) {
    for (const later of values.slice(index + 1)) excess += Math.sign(later - value);
  }
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const ties = [...counts.values()].reduce((sum, size) => sum + size * (size - 1) * (2 * size + 5), 0);
  return standardised(excess, 1, (n * (n - 1) * (2 * n + 5) - ties) / 18);
}

/**
 * @param {number} excess over what chance gives on average
 * @param {number} continuity half the distance between two values that it can have
 * @param {number} variance
 */
function standardised(excess, continuity, variance) {
  if (variance <= 0) return 0; // All values are equal.
  return (Math.sign(excess) * Math.max(0, Math.abs(excess) - continuity)) / Math.sqrt(variance);
}

/** @param {readonly number[]} values at least one */
function medianOf(values) {
  return percentile(Float64Array.from(values).sort(), 50);
}
