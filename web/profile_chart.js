/** A bar as long as an inference, in parts as long as its operators; beneath it what each part is. */

import { html, svg } from './dom.js';
import { milliseconds } from './format.js';

/** @import { OperatorTime, Profile } from './profile_types.js' */
/** @typedef {{name: string, ms: number, share: number}} Slice */

/** More colours than these are not told apart; what is left over is one grey part. */
const MOST_SLICES = 7;
const [WIDTH, HEIGHT, GAP] = [1000, 40, 2];

/**
 * @param {Profile} profile
 * @param {string} name of what was profiled
 * @returns {HTMLElement}
 */
export function profileChart({ operators }, name) {
  const slices = slicesOf(operators);
  const described = slices.map(({ name: part, share }) => `${part} ${percent(share)}`).join(', ');
  const image = svg(
    'svg',
    { class: 'profile-bar', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `Time by operator, ${name}: ${described}` },
    ...bars(slices),
  );
  const keys = slices.map(({ name: part, ms, share }, index) =>
    html('li', {}, html('span', { class: `profile-key ${colour(slices, index)}`, 'aria-hidden': 'true' }), `${part} `, html('span', { class: 'quiet' }, `${milliseconds(ms)} ms, ${percent(share)}`)),
  );
  return html('figure', { class: 'profile-figure' }, image, html('ul', { class: 'profile-keys' }, ...keys));
}

/**
 * The operators with the greatest shares, and the others as one.
 * @param {readonly OperatorTime[]} operators the greatest share first
 * @returns {readonly Slice[]}
 */
export function slicesOf(operators) {
  const places = new Set(operators.map(({ backend }) => backend));
  const named = operators.map(({ operator, backend, sum_ms: ms, share }) => ({ name: places.size > 1 && backend === 'wasm' ? `${operator} in WebAssembly` : operator, ms, share }));
  if (named.length <= MOST_SLICES) return named;
  const others = named.slice(MOST_SLICES - 1);
  const sum = (/** @type {(slice: Slice) => number} */ part) => others.reduce((total, slice) => total + part(slice), 0);
  return [...named.slice(0, MOST_SLICES - 1), { name: `${others.length} others`, ms: sum(({ ms }) => ms), share: sum(({ share }) => share) }];
}

/** @param {readonly Slice[]} slices */
function bars(slices) {
  let x = 0;
  return slices.map(({ name, share }, index) => {
    const begin = x;
    x += share * WIDTH;
    const width = Math.max(0, x - begin - (share * WIDTH > 2 * GAP ? GAP : 0));
    return svg('rect', { class: colour(slices, index), x: begin.toFixed(2), y: 0, width: width.toFixed(2), height: HEIGHT }, svg('title', {}, `${name} ${percent(share)}`));
  });
}

/**
 * @param {readonly Slice[]} slices
 * @param {number} index
 */
function colour(slices, index) {
  return slices.length === MOST_SLICES && index === MOST_SLICES - 1 ? 'slice-rest' : `slice-${index}`;
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
