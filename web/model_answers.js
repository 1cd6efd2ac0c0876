/** What a network said, as people see it: bars for classes, boxes on the picture for things found. */

import { html } from './dom.js';
import { counted } from './format.js';

/** @import { Answer } from './answers.js' */
/** @import { Detection } from './types.js' */

/** More boxes than this hide the picture; the rest is counted. */
const MOST_BOXES = 10;
/** A box whose top is above this share of the picture has its name inside. */
const NEAR_THE_TOP = 0.08;

/**
 * The answer as a list.
 * @param {Answer} answer
 * @param {readonly string[]} labels names of the classes
 * @returns {Node[]}
 */
export function answerList(answer, labels) {
  if (answer.kind === 'classes') {
    const rows = answer.classes.map(({ class_index: index, probability }) => bar(nameOf(index, labels), probability));
    return [html('h3', {}, 'The likeliest classes'), html('ol', { class: 'bars' }, ...rows)];
  }
  const { detections } = answer;
  if (detections.length === 0) return [html('p', { class: 'found' }, 'Nothing found in this picture.')];
  const shown = detections.slice(0, MOST_BOXES);
  const rest = detections.length > shown.length ? `, the ${shown.length} surest of which are shown` : '';
  const rows = shown.map(({ class_index: index, score }, at) => bar(`${at + 1}. ${nameOf(index, labels)}`, score));
  return [
    html('h3', {}, `${counted(detections.length, 'thing')} found`),
    html('p', { class: 'quiet' }, `With scores from ${percent(shown.at(-1)?.score ?? 0)} up${rest}.`),
    html('ol', { class: 'bars' }, ...rows),
  ];
}

/**
 * The boxes to lay over the picture, the surest on top. The list says the same in words, so they are hidden from screen readers.
 * @param {Answer} answer
 * @param {readonly string[]} labels
 * @returns {HTMLElement[]}
 */
export function boxes(answer, labels) {
  if (answer.kind === 'classes') return [];
  return answer.detections.slice(0, MOST_BOXES).map((found, at) => boxOf(found, at, labels)).reverse();
}

/**
 * The answer in one sentence, for a screen reader.
 * @param {Answer} answer
 * @param {readonly string[]} labels
 */
export function answerInWords(answer, labels) {
  if (answer.kind === 'detections') {
    const names = answer.detections.slice(0, MOST_BOXES).map(({ class_index: index }) => nameOf(index, labels));
    return names.length > 0 ? `Found: ${names.join(', ')}.` : 'Nothing found.';
  }
  const [first] = answer.classes;
  return first ? `Likeliest: ${nameOf(first.class_index, labels)}, ${percent(first.probability)}.` : '';
}

/**
 * @param {string} name
 * @param {number} share 0 to 1
 */
function bar(name, share) {
  const length = html('span', { class: 'bar-length', 'aria-hidden': 'true' });
  length.style.setProperty('--share', String(Math.min(1, Math.max(0, share))));
  return html('li', {}, html('span', { class: 'bar-name' }, name), html('span', { class: 'bar-value' }, percent(share)), length);
}

/**
 * @param {Detection} found with a box in fractions of the picture
 * @param {number} at
 * @param {readonly string[]} labels
 */
function boxOf({ class_index: index, score, box }, at, labels) {
  const [left, top, right, bottom] = box.map((side) => Math.min(1, Math.max(0, side)));
  const name = html('span', {}, String(at + 1), html('b', {}, ` ${nameOf(index, labels)} ${percent(score)}`));
  const node = html('div', { class: top !== undefined && top < NEAR_THE_TOP ? 'box-drawn under' : 'box-drawn' }, name);
  const sides = { left, top, width: Number(right) - Number(left), height: Number(bottom) - Number(top) };
  for (const [side, share] of Object.entries(sides)) node.style.setProperty(side, `${100 * Number(share)}%`);
  return node;
}

/**
 * @param {number} index
 * @param {readonly string[]} labels
 */
function nameOf(index, labels) {
  return labels[index] ?? `class ${index}`;
}

/** @param {number} share */
function percent(share) {
  const value = 100 * share;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2)} %`;
}
