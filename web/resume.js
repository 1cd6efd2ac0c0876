/**
 * Going on after a page that came to its end before its runs did. Was it ended by the browser or the system, then the run that it was
 * doing is recorded as failed and not tried again, and the rest is measured at once. Was it left by a person, the rest is offered.
 */

import { runScheduled } from './batch.js';
import { byId } from './dom.js';
import { ZooError } from './errors.js';
import { backendName, counted, stageName } from './format.js';
import { Journal, amend, forget } from './journal.js';
import { showProblems } from './notices.js';
import { blankMeasurement, failed } from './run_log.js';
import { askedOf, finishRun } from './run_record.js';

/** @import { Run } from './run_types.js' */
/** @import { PlannedRun } from './types.js' */
/** @import { Scheduled } from './batch.js' */
/** @import { BatchView } from './batch_view.js' */
/** @import { Active, Entry, JournalRun, Plan } from './journal.js' */
/** @import { App } from './profile_gate.js' */
/** @import { Context } from './run_record.js' */
/** @import { Control } from './hold.js' */
/** @import { Runner } from './running.js' */
/** @typedef {{done: number, failed: number}} Counts */

/** A batch that ends its page again and again, whichever run is on, is not gone on with by itself any more. */
const MOST_RESUMPTIONS = 3;
const REASON = {
  ended: 'the page that measured the runs before was ended by the browser or the system, so the rest is measured one after another',
  left: 'the page that measured the runs before was left, so the rest is measured one after another',
};

/**
 * @param {readonly Entry[]} entries this page's now
 * @param {App} app
 * @param {Runner} runner
 * @returns {Promise<boolean>} whether that was what the page's address asks for, so that it need not be begun again
 */
export async function goOn(entries, app, runner) {
  let isDone = false;
  /** @type {Entry[]} */
  const offered = [];
  for (const entry of entries) {
    const isAsked = app.settings.autorun && entry.plan.search === location.search;
    if (!entry.progress.left) {
      isDone ||= isAsked;
      await goOnAfterEnd(entry, app, runner, offered);
    } else if (isAsked || runsToGo(entry).length === 0) {
      forget(entry.plan.batchId); // A person opened the address again, which begins all of it anew.
    } else {
      offered.push(entry);
    }
  }
  if (offered.length > 0) offer(offered, app, runner);
  return isDone;
}

/**
 * @param {Entry} entry of a page that was ended
 * @param {App} app
 * @param {Runner} runner
 * @param {Entry[]} offered what is left to a person to decide is added here
 */
function goOnAfterEnd(entry, app, runner, offered) {
  const { plan, progress } = entry;
  const { active, resumptions } = progress;
  const isTooOften = resumptions >= MOST_RESUMPTIONS;
  const over = active ? [...progress.over, active.runId] : progress.over;
  const rest = { plan, progress: { over, active: null, left: isTooOften, resumptions: isTooOften ? 0 : resumptions } };
  return runner.during(byId('start', HTMLButtonElement), async (view, control) => {
    const ended = plan.runs.find(({ runId }) => runId === active?.runId);
    const planned = ended ? plannedOf(ended, app) : null;
    if (ended && !planned) tellLost([ended]);
    const scheduled = isTooOften ? [] : scheduledOf(rest, REASON.ended, app);
    view.panel.open((planned ? 1 : 0) + scheduled.length);
    let counts = { done: 0, failed: 0 };
    if (active && ended && planned) {
      const run = failedRun(ended, active, planned, contextOf(plan, app));
      await runner.outbox.keep(run);
      view.finish(run, planned.model.title);
      counts = { done: 1, failed: 1 };
    }
    amend(rest);
    if (isTooOften && runsToGo(rest).length > 0) offered.push(rest);
    else counts = sumOf(counts, await measureRest(plan, scheduled, new Journal(resumptions + 1), app, { view, control, runner, earlier: counts.done }));
    await runner.outbox.sendAll();
    return counts;
  });
}

/**
 * @param {JournalRun} ended
 * @param {Active} active
 * @param {PlannedRun} planned
 * @param {Context} context
 * @returns {Run}
 */
function failedRun({ runId, order }, { startedAt, stage }, planned, context) {
  const { model, variant, option } = planned;
  const job = { model, variant, ...askedOf(option, context) };
  const error = new ZooError(`The browser or the system ended the page during this run (${stageName(stage)})`, {
    got: 'a page that was gone without having been left',
    expected: 'a page that lives until its runs are over',
    next:
      'close other tabs and programs and choose this network alone, or choose a smaller one: systems end pages that take too much ' +
      'memory, phones first. By itself it is not tried again',
  });
  const measured = failed(blankMeasurement(job), stage, error.message);
  return finishRun({ run_id: runId, started_at: startedAt }, job, measured, context, { order, conditions: null });
}

/**
 * What is left of a batch, in its order. A run that had nothing beside it has nothing beside it now either; those that the server does
 * not have any more are told.
 * @param {Entry} entry
 * @param {string} reason why one after another
 * @param {App} app
 * @returns {readonly Scheduled[]}
 */
function scheduledOf(entry, reason, app) {
  const lastBlock = Math.max(...entry.plan.runs.map(({ order }) => order.block));
  const lost = runsToGo(entry).filter((run) => !plannedOf(run, app));
  if (lost.length > 0) tellLost(lost);
  return runsToGo(entry).flatMap((run, index) => {
    const planned = plannedOf(run, app);
    const how = run.order.mode === 'alone' ? {} : { mode: /** @type {const} */ ('sequential'), reason };
    return planned ? [{ runId: run.runId, planned, order: { ...run.order, block: lastBlock + 1 + index, ...how } }] : [];
  });
}

/**
 * @param {Plan} plan
 * @param {readonly Scheduled[]} scheduled of it
 * @param {Journal} journal
 * @param {App} app
 * @param {{view: BatchView, control: Control, runner: Runner, earlier: number}} surroundings `earlier`: how many runs of the panel, which is
 *     open, are over
 * @returns {Promise<Counts>}
 */
async function measureRest(plan, scheduled, journal, app, { view, control, runner, earlier }) {
  if (scheduled.length === 0) {
    forget(plan.batchId);
    return { done: 0, failed: 0 };
  }
  const listener = view.listener(plan.choice, { earlier });
  return runScheduled(scheduled, contextOf(plan, app), { listener, outbox: runner.outbox, control, journal });
}

/**
 * Ask a person whether to go on.
 * @param {readonly Entry[]} entries
 * @param {App} app
 * @param {Runner} runner
 */
function offer(entries, app, runner) {
  const place = byId('left-behind', HTMLElement);
  const runs = entries.flatMap(runsToGo);
  byId('left-count', HTMLElement).textContent = `${counted(runs.length, 'run')} of an earlier visit not measured`;
  byId('left-runs', HTMLElement).textContent = `${namesOf(runs)}. They can be measured now, one after another.`;
  const hide = () => {
    place.hidden = true;
  };
  byId('left-continue', HTMLButtonElement).onclick = () => {
    if (runner.isRunning) return;
    hide();
    void runner.during(byId('start', HTMLButtonElement), async (view, control) => {
      const batches = entries.map((entry) => ({ plan: entry.plan, scheduled: scheduledOf(entry, REASON.left, app) }));
      view.panel.open(batches.reduce((sum, { scheduled }) => sum + scheduled.length, 0));
      let [counts, earlier] = [{ done: 0, failed: 0 }, 0];
      for (const { plan, scheduled } of batches) {
        if (!control.signal.aborted) counts = sumOf(counts, await measureRest(plan, scheduled, new Journal(), app, { view, control, runner, earlier }));
        earlier += scheduled.length;
      }
      return counts;
    });
  };
  byId('left-forget', HTMLButtonElement).onclick = () => {
    hide();
    for (const { plan } of entries) forget(plan.batchId);
  };
  place.hidden = false;
}

/** @param {Entry} entry */
function runsToGo({ plan, progress }) {
  return plan.runs.filter(({ runId }) => !progress.over.includes(runId));
}

/**
 * The run as it can be measured now; null where the server has another file of that name by now, or none.
 * @param {JournalRun} run
 * @param {App} app
 * @returns {PlannedRun | null}
 */
function plannedOf({ model: id, variant: name, sha256, option }, { manifest }) {
  const model = manifest.models.find((one) => one.id === id);
  const variant = model?.variants.find((one) => one.name === name && one.sha256 === sha256);
  return model && variant ? { model, variant, option } : null;
}

/**
 * What the batch was begun with; what its page did not know yet is as this address has it.
 * @param {Plan} plan
 * @param {App} app
 * @returns {Context}
 */
function contextOf({ settings, choice }, { config, environment, settings: ours }) {
  return { config, environment, settings: { ...ours, ...settings }, choice };
}

/** @param {readonly JournalRun[]} runs */
function tellLost(runs) {
  const what = `${namesOf(runs)}: the server does not have these files any more. Next: choose what it has now, and start anew.`;
  showProblems('Runs of an earlier visit cannot be gone on with', [what]);
}

/** @param {readonly JournalRun[]} runs */
function namesOf(runs) {
  return [...new Set(runs.map(({ model, option }) => `${model} on ${backendName(option)}`))].join(', ');
}

/**
 * @param {Counts} one
 * @param {Counts} other
 * @returns {Counts}
 */
function sumOf(one, other) {
  return { done: one.done + other.done, failed: one.failed + other.failed };
}
