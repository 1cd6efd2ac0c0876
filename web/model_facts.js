/** A model's card: everything that the manifest tells of it, as terms and what is said of them. */

import { html } from './dom.js';
import { counted, gigaMacs, megabytes } from './format.js';

/** @import { ModelEntry, OutputEntry, Postprocessing, Preprocessing, VariantEntry, Verification, WeightsEntry } from './manifest_types.js' */
/** @typedef {[term: string, ...said: (Node | string)[]]} Fact */

/**
 * One line of what it is.
 * @param {ModelEntry} model
 */
export function summary({ id, task, input, variants }) {
  const macs = gigaMacs(Math.max(...variants.map((variant) => variant.macs)));
  const size = input.preprocessing ? `images of ${input.shape[3]}×${input.shape[2]}` : input.shape.join(' × ');
  return `${id}. Task: ${task}, on ${size}. One inference is ${macs}.`;
}

/** @param {ModelEntry} model @returns {Fact[]} */
export function computationFacts({ input, outputs, postprocessing, parameters }) {
  return [
    ['Input', `${input.name}: ${input.dtype}, ${input.shape.join(' × ')}`],
    ['Preprocessing', input.preprocessing ? preprocessing(input.preprocessing) : 'none: the input is no image'],
    ['Outputs', ...outputs.map((output) => html('span', { class: 'line' }, shapeOf(output)))],
    ['Afterwards', afterwards(postprocessing)],
    ['Parameters', parameters.toLocaleString('en')],
  ];
}

/** @param {WeightsEntry} weights @returns {Fact[]} */
export function weightsFacts({ kind, origin, sha256, bytes, licence, citation }) {
  const isAddress = /^https:\/\//.test(origin);
  return [
    ['Kind', kind === 'seeded' ? 'seeded: random numbers of a sensible scale, whose predictions mean nothing' : kind],
    ['Origin', isAddress ? html('a', { href: origin, rel: 'noreferrer' }, origin) : origin],
    ...(bytes === null ? [] : [/** @type {Fact} */ (['Size', `${megabytes(bytes)} MB (${bytes.toLocaleString('en')} bytes)`])]),
    ...(sha256 === null ? [] : [/** @type {Fact} */ (['SHA-256', code(sha256)])]),
    ['Licence', licence],
    ['Citation', citation],
  ];
}

/** @param {ModelEntry} model @returns {Fact[]} */
export function makingFacts({ reference_runtime: reference, build_key: key, build_seconds: seconds, tools }) {
  return [
    ['Reference', `the outputs of ${reference}`],
    ['Build', `${seconds.toFixed(1)} s, key `, code(key)],
    ['Tools', Object.entries(tools).map(([name, version]) => `${name} ${version}`).join(', ')],
  ];
}

/**
 * @param {string} id of its model
 * @param {VariantEntry} variant
 * @returns {Fact[]}
 */
export function fileFacts(id, { name, path, sha256, bytes, opset, ir_version: ir, macs, operators, tolerances, verifications }) {
  const counts = Object.entries(operators).sort(([, one], [, other]) => other - one);
  const nodes = counts.reduce((sum, [, count]) => sum + count, 0);
  const file = html('a', { href: `/models/${path}?sha256=${sha256}`, download: `${id}-${name}.onnx` }, `${id}-${name}.onnx`);
  return [
    ['Download', file, `, ${megabytes(bytes)} MB (${bytes.toLocaleString('en')} bytes)`],
    ['SHA-256', code(sha256)],
    ['Format', `opset ${opset}, IR version ${ir}`],
    ['MACs', `${gigaMacs(macs)}: ${macs.toLocaleString('en')} multiply-accumulate operations an inference`],
    ['Operators', `${counted(nodes, 'node')}: ${counts.map(([operator, count]) => `${count} ${operator}`).join(', ')}`],
    ['Tolerance', ...tolerances.map(({ output, atol, rtol, reason }) => html('span', { class: 'line' }, `${output}: ${atol} + ${rtol} × |reference|; ${reason}`))],
    ...verifications.map(verificationFact),
  ];
}

/** @param {Verification} verification @returns {Fact} */
function verificationFact({ reference, runtime, outputs, task, passed }) {
  const lines = outputs.map(({ output, max_abs_diff: difference, tolerance_used: used, atol, rtol }) => {
    const limits = `tolerance ${atol} + ${rtol} × |reference|`;
    if (difference === null || used === null) return `${output}: not comparable, ${limits}`;
    return `${output}: off by at most ${difference.toPrecision(2)}, ${(100 * used).toPrecision(2)} % of its ${limits}`;
  });
  const measure = { top_5: 'top-5 places', detections: 'detections', elements: 'numbers' }[task.measure];
  const shown = [`${passed ? '✓ passed' : '✕ failed'}, ${runtime}`, ...lines, `${task.matched} of ${task.expected} ${measure} agree`];
  return [`On the ${reference}`, ...shown.map((line) => html('span', { class: 'line' }, line))];
}

/** @param {Preprocessing} preprocessing */
function preprocessing({ resize, size, divisor, mean, std }) {
  const fit = resize === 'shorter_side' ? `shorter side to ${size} pixels, then the centre cut out` : 'stretched to the input';
  return `${fit}; then (pixel / ${divisor} − [${mean.join(', ')}]) / [${std.join(', ')}], RGB`;
}

/** @param {OutputEntry} output */
function shapeOf({ name, dtype, shape }) {
  return `${name}: ${dtype}, ${shape.map((side) => side ?? 'as many as found').join(' × ')}`;
}

/** @param {Postprocessing} postprocessing */
function afterwards(postprocessing) {
  switch (postprocessing.kind) {
    case 'top_k':
      return `the ${postprocessing.k} greatest outputs are its answer`;
    case 'ssd':
      return `offsets to boxes, scores by ${postprocessing.score_activation}, suppression at IoU ${postprocessing.iou_threshold}: outside of the graph`;
    case 'boxes':
      return 'nothing: the graph itself gives boxes, labels and scores';
    default:
      return 'nothing: the outputs are compared as numbers';
  }
}

/**
 * Facts as a list of terms.
 * @param {readonly Fact[]} facts
 */
export function factList(facts) {
  return html('dl', { class: 'facts' }, ...facts.map(([term, ...said]) => html('div', {}, html('dt', {}, term), html('dd', {}, ...said))));
}

/** @param {string} text */
function code(text) {
  return html('code', {}, text);
}
