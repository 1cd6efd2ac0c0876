/** Wires the panel for a file of the user's to what times it, and shows its runs beside those of the zoo. */

import { OwnModelPanel } from './own_model.js';
import { HELD_TO } from './own_model_proof.js';
import { runOwn } from './own_model_runs.js';

/** @import { ChoiceForm } from './form.js' */
/** @import { OwnListener } from './own_model_runs.js' */
/** @import { Context } from './run_record.js' */
/** @import { Runner } from './running.js' */
/** @import { BackendOption, Choice, Settings } from './types.js' */

/**
 * @template {{settings: Settings, options: readonly BackendOption[]}} App
 * @param {App} app
 * @param {ChoiceForm} form
 * @param {Runner} runner
 * @param {(app: App, choice: Choice) => Context} contextOf
 * @returns {OwnModelPanel}
 */
export function openOwnModel(app, form, runner, contextOf) {
  const own = new OwnModelPanel({
    timeoutS: app.settings.timeoutS,
    isBusy: () => runner.isRunning,
    onStart(model, dimensions) {
      if (!form.isUsable({ withNetworks: false })) return;
      const choice = form.read();
      const options = app.options.filter(({ value }) => choice.backends.includes(value));
      void runner.during(own.start, (view, control) => {
        /** @type {OwnListener} */
        const listener = view.listener(choice.iterations, { heldTo: HELD_TO, onFinished: (run) => own.keep(run) });
        return runOwn(model, dimensions, options, contextOf(app, choice), { listener, control });
      });
    },
  });
  return own;
}
