/** The page's wiring: load, show, run. Everything else is in the modules named here. */

import { runBatch } from './batch.js';
import { byId } from './dom.js';
import { defaultDeviceName, readEnvironment } from './environment.js';
import { explain } from './errors.js';
import { ChoiceForm } from './form.js';
import { probeGpu } from './gpu.js';
import { recallDeviceName, rememberDeviceName } from './identity.js';
import { LivePanel } from './live.js';
import { loadConfig, loadManifest } from './manifest.js';
import { showProblems, showUnsent } from './notices.js';
import { backendOptions, planRuns } from './plan.js';
import { parseSettings } from './settings.js';
import { finishedRow, headRow, runningRow } from './table.js';
import { Outbox } from './upload.js';
import { keepAwake } from './wake_lock.js';

/** @import { BackendOption, Choice, Config, Manifest, Run, Settings } from './types.js' */
/** @import { Listener } from './batch.js' */
/** @import { Environment } from './environment.js' */
/** @typedef {{config: Config, manifest: Manifest, environment: Environment, settings: Settings, options: readonly BackendOption[]}} App */

const root = document.documentElement;

/** @param {'loading' | 'ready' | 'invalid' | 'running' | 'done'} state what CSS and drivers go by */
function setState(state) {
  root.dataset.state = state;
}

async function main() {
  try {
    await open();
  } catch (error) {
    showProblems('The page cannot start', [explain(error)]);
    for (const id of ['start', 'plan', 'choices']) byId(id, HTMLElement).hidden = true;
    setState('invalid');
  }
}

async function open() {
  const [config, manifest, probe] = await Promise.all([loadConfig(), loadManifest(), probeGpu()]);
  const environment = await readEnvironment(probe.gpu);
  const modelIds = manifest.models.map(({ id }) => id);
  const { settings, problems } = parseSettings(location.search, { modelIds, runtimes: config.runtimes });
  const options = backendOptions(environment, probe, settings.backends ?? []);
  const form = new ChoiceForm(manifest, options, settings, recallDeviceName() ?? defaultDeviceName(environment));
  byId('version', HTMLElement).textContent = `Page ${config.page_version}, onnxruntime-web ${config.onnxruntime_web.version}`;
  if (problems.length > 0) showProblems('This address asks for something that the page does not know', problems);

  const outbox = openOutbox();
  const start = wireStart({ config, manifest, environment, settings, options }, form, outbox);
  setState(settings.autorun && problems.length > 0 ? 'invalid' : 'ready');
  if (settings.autorun && problems.length === 0) await start(asAsked(form.read(), settings));
}

/**
 * What the form shows, in the order and with the backends that the URL names: one that cannot run here makes a failed run, not a gap.
 * @param {Choice} shown
 * @param {Settings} settings
 * @returns {Choice}
 */
function asAsked(shown, { models, backends }) {
  return { ...shown, models: models ?? shown.models, backends: backends ?? shown.backends };
}

/** The runs not sent yet, shown, and tried again now and whenever the network comes back. */
function openOutbox() {
  const outbox = new Outbox(() => {
    showUnsent(outbox);
    if (root.dataset.state === 'done') root.dataset.runsUnsent = String(outbox.kept.length);
  });
  showUnsent(outbox);
  void outbox.sendAll();
  window.addEventListener('online', () => void outbox.sendAll());
  byId('send-again', HTMLButtonElement).addEventListener('click', () => void outbox.retryRefused());
  byId('discard-refused', HTMLButtonElement).addEventListener('click', () => outbox.discardRefused());
  return outbox;
}

/**
 * @param {App} app
 * @param {ChoiceForm} form
 * @param {Outbox} outbox
 * @returns {(choice: Choice) => Promise<void>} starts a batch
 */
function wireStart(app, form, outbox) {
  const panel = new LivePanel();
  const results = byId('results', HTMLTableElement);
  results.tHead?.replaceChildren(headRow());
  const [startButton, stop] = [byId('start', HTMLButtonElement), byId('stop', HTMLButtonElement)];
  let stopping = new AbortController();

  const start = async (/** @type {Choice} */ choice) => {
    stopping = new AbortController();
    rememberDeviceName(choice.deviceName);
    exchange(startButton, stop, 'running');
    const letSleep = keepAwake();
    const listener = listen(app, panel, results, choice);
    const plan = planRuns(app.manifest, app.options, choice);
    const result = await runBatch(plan, { ...app, choice }, { listener, outbox, signal: stopping.signal });
    letSleep();
    panel.end(result);
    Object.assign(root.dataset, { runsDone: result.done, runsFailed: result.failed, runsUnsent: outbox.kept.length });
    exchange(stop, startButton, 'done');
  };

  form.form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (root.dataset.state !== 'running' && form.isUsable()) void start(form.read());
  });
  stop.addEventListener('click', () => stopping.abort());
  return start;
}

/**
 * A state in which one button takes the other's place: whoever was on the one is on the other then.
 * @param {HTMLButtonElement} leaving
 * @param {HTMLButtonElement} coming
 * @param {'running' | 'done'} state
 */
function exchange(leaving, coming, state) {
  const wasFocused = document.activeElement === leaving;
  setState(state);
  if (wasFocused) coming.focus({ preventScroll: true });
}

/**
 * Shows a batch's progress and results.
 * @param {App} app
 * @param {LivePanel} panel
 * @param {HTMLTableElement} results
 * @param {Choice} choice
 * @returns {Listener}
 */
function listen({ manifest }, panel, results, choice) {
  const body = /** @type {HTMLTableSectionElement} */ (results.tBodies[0]);
  const rowOf = (/** @type {string} */ runId) => body.querySelector(`tr[data-run-id="${runId}"]`);
  const titleOf = (/** @type {Run} */ run) => manifest.models.find(({ id }) => id === run.model)?.title ?? run.model;
  return {
    begun(runId, planned, index, total) {
      body.append(runningRow(runId, planned));
      byId('results-section', HTMLElement).hidden = false;
      panel.begin(planned, index, total, choice.iterations);
    },
    progressed: (progress) => panel.progress(progress),
    finished(run) {
      const show = () => panel.showRun(run, titleOf(run));
      rowOf(run.run_id)?.replaceWith(finishedRow(run, titleOf(run), show));
      if (!run.error) show();
    },
    abandoned(runId) {
      rowOf(runId)?.remove();
      byId('results-section', HTMLElement).hidden = body.rows.length === 0;
    },
  };
}

await main();
