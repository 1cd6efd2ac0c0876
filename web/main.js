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
import { wireCards } from './model_card.js';
import { showProblems, showUnsent } from './notices.js';
import { OwnModelPanel } from './own_model.js';
import { HELD_TO } from './own_model_proof.js';
import { VARIANT, runOwn } from './own_model_runs.js';
import { backendOptions, planRuns } from './plan.js';
import { dropRow, showFinished, showHead, showRow } from './results.js';
import { Runner, setState } from './running.js';
import { parseSettings } from './settings.js';
import { fillSupport } from './support_matrix.js';
import { runningRow } from './table.js';
import { Outbox } from './upload.js';

/** @import { Manifest } from './manifest_types.js' */
/** @import { BackendOption, Choice, Config, Run, Settings } from './types.js' */
/** @import { Listener } from './batch.js' */
/** @import { Environment } from './environment.js' */
/** @import { OwnListener } from './own_model_runs.js' */
/** @import { OwnModel } from './own_model_types.js' */
/** @typedef {{config: Config, manifest: Manifest, environment: Environment, settings: Settings, options: readonly BackendOption[]}} App */

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
  const panel = new LivePanel();
  const runner = new Runner(panel, outbox);
  const app = { config, manifest, environment, settings, options };
  showHead();
  wireCards(manifest);
  fillSupport(manifest);
  wireOwnModel(app, form, runner);
  const start = wireStart(app, form, runner);
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
  const evenStopped = models !== null && backends !== null;
  return { ...shown, models: models ?? shown.models, backends: backends ?? shown.backends, evenStopped };
}

/** The runs not sent yet, shown, and tried again now and whenever the network comes back. */
function openOutbox() {
  const outbox = new Outbox(() => {
    showUnsent(outbox);
    if (document.documentElement.dataset.state === 'done') document.documentElement.dataset.runsUnsent = String(outbox.kept.length);
  });
  showUnsent(outbox);
  void outbox.sendAll();
  window.addEventListener('online', () => void outbox.sendAll());
  byId('send-again', HTMLButtonElement).addEventListener('click', () => void outbox.retryRefused());
  byId('discard-refused', HTMLButtonElement).addEventListener('click', () => outbox.discardRefused());
  return outbox;
}

/**
 * The button that times the zoo's networks.
 * @param {App} app
 * @param {ChoiceForm} form
 * @param {Runner} runner
 * @returns {(choice: Choice) => Promise<void>} starts a batch
 */
function wireStart(app, form, runner) {
  const button = byId('start', HTMLButtonElement);
  const start = (/** @type {Choice} */ choice) => {
    rememberDeviceName(choice.deviceName);
    const plan = planRuns(app.manifest, app.options, choice);
    const listener = listen(app, runner.panel, choice);
    return runner.during(button, (signal) => runBatch(plan, { ...app, choice }, { listener, outbox: runner.outbox, signal }));
  };
  form.form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!runner.isRunning && form.isUsable()) void start(form.read());
  });
  return start;
}

/**
 * A file of the user's, timed with what the form says besides networks. Its runs are shown, and never sent.
 * @param {App} app
 * @param {ChoiceForm} form
 * @param {Runner} runner
 */
function wireOwnModel(app, form, runner) {
  const own = new OwnModelPanel({
    timeoutS: app.settings.timeoutS,
    isBusy: () => runner.isRunning,
    onStart(model, dimensions) {
      if (!form.isUsable({ withNetworks: false })) return;
      const choice = form.read();
      const options = app.options.filter(({ value }) => choice.backends.includes(value));
      const listener = listenToOwn(model, own, runner.panel, choice);
      void runner.during(own.start, (signal) => runOwn(model, dimensions, options, { ...app, choice }, { listener, signal }));
    },
  });
}

/**
 * Shows a batch's progress and results.
 * @param {App} app
 * @param {LivePanel} panel
 * @param {Choice} choice
 * @returns {Listener}
 */
function listen({ manifest }, panel, choice) {
  const titleOf = (/** @type {Run} */ run) => manifest.models.find(({ id }) => id === run.model)?.title ?? run.model;
  return {
    begun(runId, planned, index, total) {
      showRow(runningRow(runId, planned));
      panel.begin(planned, index, total, choice.iterations);
    },
    progressed: (progress) => panel.progress(progress),
    finished: (run) => showFinished(run, titleOf(run), panel),
    abandoned: dropRow,
  };
}

/**
 * @param {OwnModel} model
 * @param {OwnModelPanel} own
 * @param {LivePanel} panel
 * @param {Choice} choice
 * @returns {OwnListener}
 */
function listenToOwn({ file: { name } }, own, panel, choice) {
  return {
    begun(runId, option, index, total) {
      const planned = { model: { id: name, title: name }, variant: { name: VARIANT }, option };
      showRow(runningRow(runId, planned));
      panel.begin(planned, index, total, choice.iterations, HELD_TO);
    },
    preparing: (said) => panel.say(said),
    progressed: (progress) => panel.progress(progress),
    finished(run) {
      own.keep(run);
      showFinished(run, name, panel);
    },
    abandoned: dropRow,
  };
}

await main();
