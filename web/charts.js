/** A run's samples as a picture. Each function makes an SVG node from records and draws nothing else. */

import { svg } from './dom.js';
import { counted, milliseconds } from './format.js';
import { summarise } from './statistics.js';

/** @import { Sample } from './run_types.js' */
/** @typedef {(value: number) => number} Scale */
/** @typedef {{left: number, right: number, top: number, bottom: number}} Frame the drawing area, in pixels */

/** The vertical axis never spans less than this share of the median: noise of 1 % should look like noise of 1 %. */
const LEAST_SPAN = 0.1;
/** Two lines of text, in pixels: labels nearer to each other than this are pushed apart. */
const LABEL_HEIGHT = 34;
const LEAST_BAND = 3;

/**
 * The samples in the order taken, with lines at the median and the 95th percentile, a band over the median's 95 % interval, and a mark
 * between one round and the next.
 * @param {readonly Sample[]} samples
 * @param {{expected: number, width: number, height: number}} options how many samples there will be, and the size in pixels
 * @returns {SVGSVGElement}
 */
export function sampleChart(samples, { expected, width, height }) {
  const frame = { left: 48, right: width - 64, top: 26, bottom: height - 40 };
  const { low, high, step } = axis(samples);
  const count = Math.max(expected, samples.length, 1);
  const x = linear(0.5, count + 0.5, frame.left, frame.right);
  const y = linear(low, high, frame.bottom, frame.top);
  return svg(
    'svg',
    { class: 'chart', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': inWords(samples, expected) },
    ...(samples.length > 0 ? valueAxis(low, high, step, y, frame) : []), // numbers before the first sample would be made up
    ...orderAxis(count, x, frame),
    ...roundMarks(samples, x, frame),
    ...(samples.length > 0 ? [...statisticLines(samples, y, frame), dots(samples, x, y, 'chart-dots')] : []),
  );
}

/**
 * The same without axes, for a table's cell.
 * @param {readonly Sample[]} samples at least one
 * @returns {SVGSVGElement}
 */
export function sampleStrip(samples) {
  const [width, height] = [104, 26];
  const { low, high } = axis(samples);
  const x = linear(0.5, samples.length + 0.5, 0, width);
  const y = linear(low, high, height - 3, 3);
  const median = y(summarise(samples).median_ms ?? 0);
  return svg(
    'svg',
    { class: 'strip', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': inWords(samples, samples.length) },
    svg('line', { class: 'chart-median', x1: 0, x2: width, y1: median, y2: median }),
    dots(samples, x, y, 'strip-dots'),
  );
}

/**
 * The picture in words.
 * @param {readonly Sample[]} samples
 * @param {number} expected
 */
export function inWords(samples, expected) {
  const { median_ms: median, p95_ms: p95, min_ms: least, max_ms: greatest, median_low_ms: low, median_high_ms: high } = summarise(samples);
  if (median === null) return `No samples yet, of ${expected}`;
  const range = `from ${milliseconds(least)} to ${milliseconds(greatest)} ms`;
  const interval = low === null ? '' : ` (95 % interval ${milliseconds(low)} to ${milliseconds(high)} ms)`;
  const middle = `median ${milliseconds(median)} ms${interval}, 95th percentile ${milliseconds(p95)} ms`;
  const rounds = new Set(samples.map(({ round: number }) => number)).size;
  const taken = rounds > 1 ? `in the order taken, in ${rounds} rounds` : 'in the order taken';
  return `${counted(samples.length, 'sample')} ${taken}: ${range}, ${middle}`;
}

/**
 * A thin line wherever other runs, or a pause, came between two samples.
 * @param {readonly Sample[]} samples
 * @param {Scale} x
 * @param {Frame} frame
 */
function roundMarks(samples, x, { top, bottom }) {
  return samples.flatMap((sample, index) => {
    const before = samples[index - 1];
    if (before === undefined || before.round === sample.round) return [];
    const at = round(x(index + 0.5));
    return [svg('line', { class: 'chart-round', x1: at, x2: at, y1: top, y2: bottom })];
  });
}

/**
 * All dots as one path of points, which stays light for thousands of samples.
 * @param {readonly Sample[]} samples
 * @param {Scale} x
 * @param {Scale} y
 * @param {string} name
 */
function dots(samples, x, y, name) {
  const points = samples.map(({ duration_ms: duration }, index) => `M${round(x(index + 1))} ${round(y(duration))}h0`);
  return svg('path', { class: name, d: points.join('') });
}

/**
 * @param {readonly Sample[]} samples
 * @param {Scale} y
 * @param {Frame} frame
 */
function statisticLines(samples, y, { left, right }) {
  const { median_ms: median, p95_ms: p95, median_low_ms: low, median_high_ms: high } = summarise(samples);
  const heights = { median: y(median ?? 0), p95: y(p95 ?? 0) };
  const crowding = Math.max(0, LABEL_HEIGHT - (heights.median - heights.p95)) / 2;
  const one = (/** @type {string} */ name, /** @type {number | null} */ value, /** @type {number} */ height, /** @type {number} */ shift) => [
    svg('line', { class: `chart-${name}`, x1: left, x2: right, y1: round(height), y2: round(height) }),
    svg('text', { class: 'chart-tick', x: right + 10, y: round(height + shift - 3) }, name),
    svg('text', { class: `chart-value chart-value-${name}`, x: right + 10, y: round(height + shift + 12) }, milliseconds(value)),
  ];
  const band = low === null || high === null ? [] : [intervalBand(y(low), y(high), left, right)];
  return [...band, ...one('p95', p95, heights.p95, -crowding), ...one('median', median, heights.median, crowding)];
}

/**
 * The median's interval, never thinner than can be seen.
 * @param {number} atLow pixels
 * @param {number} atHigh
 * @param {number} left
 * @param {number} right
 */
function intervalBand(atLow, atHigh, left, right) {
  const height = Math.max(atLow - atHigh, LEAST_BAND);
  return svg('rect', { class: 'chart-interval', x: left, width: right - left, y: round((atLow + atHigh - height) / 2), height: round(height) });
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} step
 * @param {Scale} y
 * @param {Frame} frame
 */
function valueAxis(low, high, step, y, { left, right, top }) {
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, index) => low + index * step);
  return [
    ...ticks.flatMap((tick) => [
      svg('line', { class: 'chart-grid', x1: left, x2: right, y1: round(y(tick)), y2: round(y(tick)) }),
      svg(
        'text',
        { class: 'chart-tick', x: left - 8, y: round(y(tick)), 'text-anchor': 'end', 'dominant-baseline': 'middle' },
        tickText(tick, step),
      ),
    ]),
    svg('text', { class: 'chart-axis', x: 0, y: top - 14 }, 'ms per inference'),
  ];
}

/**
 * @param {number} count
 * @param {Scale} x
 * @param {Frame} frame
 */
function orderAxis(count, x, { left, right, bottom }) {
  const step = Math.max(1, niceStep(count / Math.min(8, (right - left) / 50)));
  const multiples = Array.from({ length: Math.floor(count / step) }, (_, index) => (index + 1) * step);
  const marks = step > 2 ? [1, ...multiples] : multiples; // nearer to a 2, a 1 has no room
  return [
    ...marks.map((mark) => svg('text', { class: 'chart-tick', x: round(x(mark)), y: bottom + 18, 'text-anchor': 'middle' }, String(mark))),
    svg('text', { class: 'chart-axis', x: round((left + right) / 2), y: bottom + 36, 'text-anchor': 'middle' }, 'timed inference, in order'),
  ];
}

/**
 * A range around all samples that begins and ends on a tick.
 * @param {readonly Sample[]} samples
 */
function axis(samples) {
  const { min_ms: least, max_ms: greatest, median_ms: median } = summarise(samples);
  if (least === null || greatest === null || median === null || greatest === 0) return { low: 0, high: 1, step: 0.5 };
  const missing = Math.max(0, LEAST_SPAN * median - (greatest - least)) / 2;
  const [bottom, top] = [Math.max(0, least - missing), greatest + missing];
  const step = niceStep((top - bottom) / 4);
  const low = Math.floor(bottom / step) * step;
  return { low, high: Math.max(low + step, Math.ceil(top / step) * step), step };
}

/**
 * The smallest of 1, 2 and 5 times a power of ten that is at least `least`.
 * @param {number} least over 0
 */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least * 0.999) ?? 10);
}

/**
 * @param {number} tick
 * @param {number} step
 */
function tickText(tick, step) {
  return tick.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/**
 * @param {number} fromLow
 * @param {number} fromHigh
 * @param {number} toLow
 * @param {number} toHigh
 * @returns {Scale}
 */
function linear(fromLow, fromHigh, toLow, toHigh) {
  return (value) => toLow + ((value - fromLow) / (fromHigh - fromLow)) * (toHigh - toLow);
}

/** @param {number} pixels */
function round(pixels) {
  return Math.round(pixels * 100) / 100;
}
