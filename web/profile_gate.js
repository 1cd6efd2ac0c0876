/** Starts profiles: by the button of a result, or instead of timing where the URL asks for it. What makes them is loaded with the first. */

import { byId } from './dom.js';

/** @import { Manifest } from './manifest_types.js' */
/** @import { BackendOption, Config, PlannedRun, Settings } from './types.js' */
/** @import { Environment } from './environment.js' */
/** @import { Runner } from './running.js' */
/** What the page knows once it is open. */
/** @typedef {{config: Config, manifest: Manifest, environment: Environment, settings: Settings, options: readonly BackendOption[]}} App */

/**
 * @param {App} app
 * @param {Runner} runner
 * @param {() => number} readTimeBudgetS what the form says
 * @returns {(plan: readonly PlannedRun[], pressed: HTMLButtonElement) => Promise<void>}
 */
export function wireProfiles(app, runner, readTimeBudgetS) {
  const start = (/** @type {readonly PlannedRun[]} */ plan, /** @type {HTMLButtonElement} */ pressed) =>
    runner.during(pressed, async ({ panel }, control) => {
      const { profileRuns } = await import('./profile.js');
      return profileRuns(plan, { ...app, timeBudgetS: readTimeBudgetS() }, panel, control);
    });
  byId('results', HTMLTableElement).addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('[data-profile]') : null;
    if (!(button instanceof HTMLButtonElement) || runner.isRunning) return;
    const planned = plannedBy(button.dataset, app);
    if (planned) void start([planned], button);
  });
  return start;
}

/**
 * @param {DOMStringMap} data of the button
 * @param {App} app
 * @returns {PlannedRun | null}
 */
function plannedBy({ model: id, variant: name, backend, threads }, { manifest, options }) {
  const model = manifest.models.find((one) => one.id === id);
  const variant = model?.variants.find((one) => one.name === name);
  const option = options.find((one) => one.backend === backend && (backend !== 'wasm' || one.threads === Number(threads)));
  return model && variant && option ? { model, variant, option } : null;
}
