/** The page's wiring: load, show, run. What is not needed at first is loaded when it is: the code that runs, shows, reads files. */

import { backendOptions } from './backend_options.js';
import { byId } from './dom.js';
import { defaultDeviceName, readEnvironment } from './environment.js';
import { explain } from './errors.js';
import { ChoiceForm } from './form.js';
import { sentence } from './format.js';
import { probeGpu } from './gpu.js';
import { recallDeviceName, rememberDeviceName } from './identity.js';
import { leftBatches } from './left_behind.js';
import { loadConfig, loadManifest } from './manifest.js';
import { showProblems, showUnsent } from './notices.js';
import { takeOwnFiles } from './own_file_gate.js';
import { planRuns } from './plan.js';
import { wireProfiles } from './profile_gate.js';
import { Runner, setState } from './running.js';
import { parseSettings } from './settings.js';
import { Outbox } from './upload.js';

/** @import { Environment } from './environment.js' */
/** @import { Manifest } from './manifest_types.js' */
/** @import { Choice, Settings } from './types.js' */
/** @import { OwnModelPanel } from './own_model.js' */
/** @import { App } from './profile_gate.js' */

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
  const read = await readEnvironment(probe.gpu);
  const modelIds = manifest.models.map(({ id }) => id);
  const { settings, problems } = parseSettings(location.search, { modelIds, runtimes: config.runtimes });
  // A fleet knows which device this is, even where the browser's profile is fresh each time.
  const environment = settings.deviceId === null ? read : { ...read, device_id: settings.deviceId };
  const options = backendOptions(environment, probe, settings.backends ?? []);
  const form = new ChoiceForm(manifest, options, settings, recallDeviceName() ?? defaultDeviceName(environment));
  byId('version', HTMLElement).textContent = `Page ${config.page_version}, onnxruntime-web ${config.onnxruntime_web.version}`;
  if (problems.length > 0) showProblems('This address asks for something that the page does not know', problems);

  if (settings.report) void report(settings, environment, () => form.read().deviceName);
  const outbox = openOutbox();
  const left = await leftBatches(outbox);
  void outbox.sendAll();
  const runner = new Runner(outbox);
  const app = { config, manifest, environment, settings, options };
  wireSupport(manifest);
  wireOwnModel(app, form, runner);
  const start = wireStart(app, form, runner, wireProfiles(app, runner, () => form.read().timeBudgetS));
  setState(settings.autorun && problems.length > 0 ? 'invalid' : 'ready');
  const isDone = left.length > 0 && (await (await import('./resume.js')).goOn(left, app, runner));
  if (settings.autorun && problems.length === 0 && !isDone) await start(asAsked(form.read(), settings));
}

/**
 * Tell the server how far this page is. Where that cannot be done, the page times as it would without.
 * @param {Settings} settings
 * @param {Environment} environment
 * @param {() => string} deviceName as the form has it
 */
async function report({ fleetId }, environment, deviceName) {
  try {
    const { startReporting } = await import('./reporting.js');
    startReporting(fleetId, environment, deviceName);
  } catch (error) {
    console.warn(`How far this page is will not be told: ${explain(error)}`);
  }
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

/** The runs not sent yet, shown, and tried again whenever the network comes back. */
function openOutbox() {
  const root = document.documentElement;
  const isBusy = () => root.dataset.state === 'running';
  const outbox = new Outbox(() => {
    showUnsent(outbox);
    if (root.dataset.state === 'done') root.dataset.runsUnsent = String(outbox.kept.length);
  }, isBusy);
  // What is timed must not be disturbed; a batch sends between its runs.
  window.addEventListener('online', () => isBusy() || void outbox.sendAll());
  byId('send-again', HTMLButtonElement).addEventListener('click', () => void outbox.retryRefused());
  byId('discard-refused', HTMLButtonElement).addEventListener('click', () => void outbox.discardRefused());
  return outbox;
}

/**
 * The table of what runs where is made when it is first opened.
 * @param {Manifest} manifest
 */
function wireSupport(manifest) {
  const details = byId('support-details', HTMLDetailsElement);
  details.addEventListener(
    'toggle',
    async () => {
      const table = await onDemand(() => import('./support_matrix.js'));
      table?.fillSupport(manifest);
    },
    { once: true },
  );
}

/**
 * A part of the page that is loaded when it is asked for; the network may be gone by then.
 * @template Part
 * @param {() => Promise<Part>} load
 * @returns {Promise<Part | null>} null where it cannot be had, which has been told
 */
async function onDemand(load) {
  try {
    return await load();
  } catch (error) {
    showProblems('A part of the page could not be loaded', [`${sentence(explain(error))} Next: see that the server can be reached, then reload the page.`]);
    return null;
  }
}

/**
 * The button that times the zoo's networks.
 * @param {App} app
 * @param {ChoiceForm} form
 * @param {Runner} runner
 * @param {ReturnType<typeof wireProfiles>} profile
 * @returns {(choice: Choice) => Promise<void>} starts a batch
 */
function wireStart(app, form, runner, profile) {
  const button = byId('start', HTMLButtonElement);
  const start = (/** @type {Choice} */ choice) => {
    rememberDeviceName(choice.deviceName);
    const plan = planRuns(app.manifest, app.options, choice);
    if (app.settings.profile) return profile(plan, button);
    return runner.during(button, async (view, control) => {
      const [{ runBatch }, { Journal }] = await Promise.all([import('./batch.js'), import('./journal.js')]);
      const listener = view.listener(choice);
      return runBatch(plan, { ...app, choice }, { listener, outbox: runner.outbox, control, journal: new Journal() });
    });
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
  /** @type {Promise<OwnModelPanel> | null} */
  let panel = null;
  const open = async () => {
    const { openOwnModel } = await import('./own_model_wiring.js');
    return openOwnModel(app, form, runner);
  };
  takeOwnFiles(async () => {
    panel ??= open();
    try {
      return await panel;
    } catch (error) {
      panel = null; // The next file may find the network there again.
      throw error;
    }
  });
}

await main();
