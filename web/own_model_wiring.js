/** Wires the panel for a file of the user's to what times it, and shows its runs beside those of the zoo. */

import { OwnModelPanel } from './own_model.js';
import { HELD_TO } from './own_model_proof.js';
import { runOwn } from './own_model_runs.js';

/** @import { ChoiceForm } from './form.js' */
/** @import { OwnListener } from './own_model_runs.js' */
/** @import { App } from './profile_gate.js' */
/** @import { Runner } from './running.js' */

/**
 * @param {App} app
 * @param {ChoiceForm} form
 * @param {Runner} runner
 * @returns {OwnModelPanel}
 */
export function openOwnModel(app, form, runner) {
  const own = new OwnModelPanel({
    timeoutS: app.settings.timeoutS,
    isBusy: () => runner.isRunning,
    onStart(model, dimensions) {
      if (!form.isUsable({ withNetworks: false })) return;
      const choice = form.read();
      const options = app.options.filter(({ value }) => choice.backends.includes(value));
      void runner.during(own.start, (view, control) => {
        /** @type {OwnListener} */
        const listener = view.listener(choice, { heldTo: HELD_TO, onFinished: (run) => own.keep(run) });
        return runOwn(model, dimensions, options, { ...app, choice }, { listener, control });
      });
    },
  });
  return own;
}
