/** The section with profiles: for each a bar, a table by operator, one by node, and its files. */

import { byId, html } from './dom.js';
import { backendName, milliseconds, verdict } from './format.js';
import { profileChart } from './profile_chart.js';
import { profileCsv } from './profile_csv.js';
import { nodeTable, operatorTable } from './profile_table.js';

/** @import { Profile } from './profile_types.js' */

const CLOCKS = {
  processor: "By the processor's clock, of the thread that gives the others their work.",
  gpu: "Operators by the GPU's own clock, which browsers may round to 0.1 ms; each is waited for, so that an inference takes longer than it would. Operators that run in WebAssembly are by the processor's clock. Copies between the two, and operators that need no kernel, have no time of their own.",
};

export class ProfileSection {
  constructor() {
    this.section = byId('profiles', HTMLElement);
    this.list = byId('profile-list', HTMLElement);
    if (!document.querySelector('link[href="profile.css"]')) document.head.append(html('link', { rel: 'stylesheet', href: 'profile.css' }));
  }

  /**
   * @param {string} title of the model
   * @param {Profile} profile
   */
  add(title, profile) {
    const name = `${title} ${profile.variant} on ${backendName(profile)}`;
    const nodes = html('details', { class: 'profile-nodes' }, html('summary', {}, `By node: ${profile.nodes.length}`));
    // A thousand rows are made when somebody wants to see them.
    nodes.addEventListener('toggle', () => nodes.append(scrolling(nodeTable(profile), `${name}, by node`)), { once: true });
    this.show(
      html(
        'article',
        { class: 'profile', 'data-model': profile.model, 'data-variant': profile.variant, 'data-backend': profile.backend, 'data-outcome': 'ok' },
        html('h3', {}, name),
        html('p', { class: 'quiet' }, `${facts(profile)} ${CLOCKS[profile.clock]}`),
        profileChart(profile, name),
        scrolling(operatorTable(profile), `${name}, by operator`),
        nodes,
        html('p', { class: 'buttons' }, saveButton(profile, 'json'), saveButton(profile, 'csv')),
      ),
    );
  }

  /**
   * @param {string} name
   * @param {string} message
   */
  addFailure(name, message) {
    this.show(html('article', { class: 'profile', 'data-outcome': 'failed' }, html('h3', {}, name), html('p', { class: 'failure' }, `No profile. ${message}`)));
  }

  /** @param {HTMLElement} article */
  show(article) {
    this.section.hidden = false;
    this.list.append(article);
    article.scrollIntoView({ block: 'nearest' });
  }
}

/** @param {Profile} profile */
function facts({ iterations, warmup_iterations: warmup, inference_ms: inference, nodes_ms: nodes, verification, final_check: last }) {
  const { words } = verdict([verification, last]);
  return `Median inference with the profiler on: ${milliseconds(inference)} ms, of ${iterations} after ${warmup} of warm-up; operators take ${milliseconds(nodes)} ms. The last output ${words}.`;
}

/**
 * @param {HTMLTableElement} table
 * @param {string} label
 */
function scrolling(table, label) {
  return html('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, table);
}

/**
 * @param {Profile} profile
 * @param {'json' | 'csv'} kind
 */
function saveButton(profile, kind) {
  const button = html('button', { type: 'button', class: 'plain' }, kind === 'json' ? 'Save as JSON' : 'Save nodes as CSV');
  button.addEventListener('click', () => {
    const [text, type] = kind === 'json' ? [JSON.stringify(profile, null, 1), 'application/json'] : [profileCsv(profile), 'text/csv'];
    const url = URL.createObjectURL(new Blob([text], { type }));
    html('a', { href: url, download: `profile-${profile.model}-${profile.variant}-${profile.backend}-${profile.threads}.${kind}` }).click();
    // The download has begun by then, which is all that needs the address.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
  return button;
}
