/** Which backend runs which file: what the builder predicts, with its reasons on demand, and what browsers were seen to do. */

import { modelPage } from './addresses.js';
import { byId, html } from './dom.js';
import { counted, verdict } from './format.js';

/** @import { BackendName, BackendSupport, Manifest, Observation, OperatorCounts, SupportStatus, VariantEntry } from './manifest_types.js' */

export const BACKENDS = /** @type {const} */ ({ wasm: 'WebAssembly', webgpu: 'WebGPU', webgl: 'WebGL', webnn: 'WebNN' });
/** Told apart by their shapes and words, not by colour alone. */
const SYMBOLS = /** @type {Readonly<Record<SupportStatus, string>>} */ ({ runs: '✓', falls_back: '◐', stops: '✕' });

/**
 * The table of the whole zoo: a row per file, a column per backend.
 * @param {Manifest} manifest
 */
export function fillSupport({ models }) {
  const table = byId('support-table', HTMLTableElement);
  const titles = ['Network', ...Object.values(BACKENDS)];
  const head = titles.map((title) => html('th', { scope: 'col', role: 'columnheader' }, title));
  table.tHead?.replaceChildren(html('tr', { role: 'row' }, ...head));
  const rows = models.flatMap(({ id, title, variants }) =>
    variants.map((variant) => {
      const name = variants.length > 1 ? `${title}, ${variant.name}` : title;
      const cells = supportOf(variant).map(({ backend, nodes }) =>
        html('td', { role: 'cell', 'data-title': BACKENDS[backend], 'data-backend': backend }, ...nodes),
      );
      const head = html('th', { scope: 'row', role: 'rowheader' }, html('a', { href: modelPage(id) }, name));
      return html('tr', { role: 'row', 'data-model': id, 'data-variant': variant.name }, head, ...cells);
    }),
  );
  table.tBodies[0]?.replaceChildren(...rows);
}

/**
 * One file on each backend, as nodes to show.
 * @param {VariantEntry} variant
 * @returns {{backend: BackendName, nodes: Node[]}[]}
 */
export function supportOf({ support, observations }) {
  return /** @type {BackendName[]} */ (Object.keys(BACKENDS)).map((backend) => {
    const predicted = support.find((one) => one.backend === backend);
    const observed = observations.filter((one) => one.backend === backend);
    return { backend, nodes: [predicted ? prediction(predicted) : html('p', { class: 'quiet' }, '? not predicted'), ...seen(observed, predicted)] };
  });
}

/** @param {BackendSupport} support */
function prediction({ status, fallback, blockers, caveats }) {
  const line = statusLine(status, fallback, 'predicted');
  const reasons = [
    ...blockers.map(({ operator, count, reason }) => html('li', {}, operator ? `${operator} (${counted(count, 'node')}): ${reason}` : reason)),
    ...Object.entries(fallback).map(([operator, count]) => html('li', {}, `${operator}: ${counted(count, 'node')} in WebAssembly`)),
    ...caveats.map((caveat) => html('li', {}, caveat)),
  ];
  if (reasons.length === 0) return html('p', { class: 'predicted' }, line);
  return html('details', { class: 'predicted' }, html('summary', {}, line), html('ul', {}, ...reasons));
}

/**
 * Browsers that did the same are told in one line.
 * @param {readonly Observation[]} observations
 * @param {BackendSupport | undefined} predicted
 * @returns {Node[]}
 */
function seen(observations, predicted) {
  if (observations.length === 0) return [html('p', { class: 'seen quiet' }, 'no browser tried yet')];
  /** @type {Map<string, Observation[]>} */
  const alike = new Map();
  for (const observation of observations) {
    const { status, fallback, verification, message } = observation;
    const key = JSON.stringify([status, fallback ?? {}, verification?.passed, message]);
    alike.set(key, [...(alike.get(key) ?? []), observation]);
  }
  return [...alike.values()].map((group) => seenLine(group, predicted));
}

/**
 * @param {readonly Observation[]} group at least one; all did the same
 * @param {BackendSupport | undefined} predicted
 */
function seenLine(group, predicted) {
  const { status, fallback, verification, message } = /** @type {Observation} */ (group[0]);
  const browsers = group.map(({ browser, browser_version: version }) => `${browser} ${version.split('.')[0]}`).join(', ');
  const proof = verification ? `, ${verdict([verification]).words}` : '';
  const isSurprise = predicted !== undefined && predicted.status !== status;
  const line = [
    `${browsers}: `,
    statusLine(status, fallback ?? {}, 'seen'),
    proof,
    isSurprise ? html('span', { class: 'warning' }, ', not as predicted') : '',
  ];
  if (!message) return html('p', { class: 'seen' }, ...line);
  return html('details', { class: 'seen' }, html('summary', {}, ...line), html('p', {}, message));
}

/**
 * @param {SupportStatus} status
 * @param {OperatorCounts} fallback
 * @param {'predicted' | 'seen'} how
 */
function statusLine(status, fallback, how) {
  const nodes = Object.values(fallback).reduce((sum, count) => sum + count, 0);
  const words = {
    runs: how === 'seen' ? 'ran' : 'runs',
    falls_back: `${nodes > 0 ? counted(nodes, 'node') : 'some nodes'} in WebAssembly`,
    stops: how === 'seen' ? 'did not run' : 'does not run',
  };
  return html('span', { class: 'status', 'data-status': status }, html('span', { 'aria-hidden': 'true' }, `${SYMBOLS[status]} `), words[status]);
}
