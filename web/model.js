/** The page of one network: model.html?id=resnet50. Load, show; what it takes to run the network comes only when it is asked for. */

import { modelPage } from './addresses.js';
import { byId, html } from './dom.js';
import { ZooError, explain } from './errors.js';
import { megabytes } from './format.js';
import { loadConfig, loadManifest } from './manifest.js';
import { computationFacts, factList, fileFacts, makingFacts, summary, weightsFacts } from './model_facts.js';
import { showTimings } from './model_timings.js';
import { showProblems } from './notices.js';
import { setState } from './running.js';
import { BACKENDS, supportOf } from './support_matrix.js';

/** @import { Manifest, ModelEntry } from './manifest_types.js' */
/** @import { Fact } from './model_facts.js' */
/** @import { BackendOption } from './types.js' */

const PARAMETERS = ['id'];

async function main() {
  try {
    await open();
  } catch (error) {
    byId('summary', HTMLElement).hidden = true;
    showProblems('This page cannot be shown', [explain(error)]);
    setState('invalid');
  }
}

async function open() {
  const [config, manifest] = await Promise.all([loadConfig(), loadManifest()]);
  byId('version', HTMLElement).textContent = `Page ${config.page_version}, onnxruntime-web ${config.onnxruntime_web.version}`;
  const model = findModel(manifest);
  const unknown = [...new URLSearchParams(location.search).keys()].filter((name) => !PARAMETERS.includes(name));
  if (unknown.length > 0) {
    showProblems('This address asks for something that the page does not know', [`It has the parameter ${unknown.join(', ')}; the page knows ${PARAMETERS.join(', ')}.`]);
  }
  describe(model);
  byId('model', HTMLElement).hidden = false;
  void showTimings(model).catch((error) => { byId('timings-note', HTMLElement).textContent = explain(error); });
  const { wireTry } = await import('./model_try.js');
  await wireTry(model, config, readOptions);
  setState('ready');
}

/**
 * The network that the address names.
 * @param {Manifest} manifest
 * @returns {ModelEntry}
 * @throws {ZooError} when it names none, or one that the server does not have; links to all of them are shown then
 */
function findModel({ models }) {
  const id = new URLSearchParams(location.search).get('id');
  const model = models.find((one) => one.id === id);
  if (model) return model;
  const place = byId('choices', HTMLElement);
  const links = models.map((one) => html('li', {}, html('a', { href: modelPage(one.id) }, one.title)));
  place.replaceChildren(html('h2', {}, 'The networks of this server'), html('ul', {}, ...links));
  place.hidden = false;
  throw new ZooError(id === null ? 'The address names no network' : 'The address names a network that this server does not have', {
    got: id === null ? 'no id' : `id=${id.slice(0, 100)}`,
    expected: 'the id of one of its networks',
    next: 'choose one of those below',
  });
}

/** @param {ModelEntry} model */
function describe(model) {
  const { id, title, weights, variants } = model;
  document.title = `${title} – Browser Zoo`;
  byId('title', HTMLElement).textContent = title;
  byId('summary', HTMLElement).textContent = summary(model);
  const markdown = html('a', { href: `/models/${id}/card.md`, download: `${id}.md` }, 'This card as Markdown');
  byId('facts', HTMLElement).replaceChildren(
    ...group('What it computes', computationFacts(model)),
    ...group('Weights', weightsFacts(weights)),
    ...group('How it was made', [...makingFacts(model), ['Card', markdown]]),
  );
  byId('files', HTMLElement).replaceChildren(
    ...variants.flatMap((variant) => group(`${variant.name}, ${megabytes(variant.bytes)} MB`, fileFacts(id, variant))),
  );
  fillSupport(model);
}

/**
 * @param {string} title
 * @param {readonly Fact[]} facts
 */
function group(title, facts) {
  return [html('section', {}, html('h3', {}, title), factList(facts))];
}

/** @param {ModelEntry} model */
function fillSupport({ id, variants }) {
  const table = byId('support-table', HTMLTableElement);
  const head = ['File', ...Object.values(BACKENDS)].map((title) => html('th', { scope: 'col', role: 'columnheader' }, title));
  table.tHead?.replaceChildren(html('tr', { role: 'row' }, ...head));
  const rows = variants.map((variant) => {
    const cells = supportOf(variant).map(({ backend, nodes }) =>
      html('td', { role: 'cell', 'data-title': BACKENDS[backend], 'data-backend': backend }, ...nodes),
    );
    return html('tr', { role: 'row', 'data-model': id, 'data-variant': variant.name }, html('th', { scope: 'row', role: 'rowheader' }, variant.name), ...cells);
  });
  table.tBodies[0]?.replaceChildren(...rows);
}

/** @returns {Promise<readonly BackendOption[]>} what this device offers */
async function readOptions() {
  const [{ backendOptions }, { readEnvironment }, { probeGpu }] = await Promise.all([
    import('./backend_options.js'),
    import('./environment.js'),
    import('./gpu.js'),
  ]);
  const probe = await probeGpu();
  return backendOptions(await readEnvironment(probe.gpu), probe, []);
}

await main();
