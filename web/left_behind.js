/** Finds what earlier pages have left unfinished. The code that goes on with it is loaded only if there is anything. */

/** @import { Entry } from './journal.js' */
/** @import { Outbox } from './upload.js' */

/**
 * Batches that no living page has any more; they are this page's from now on. To be called before the outbox sends: a run that it keeps
 * needs nothing more, even if its page was ended before it could say so in the journal.
 * @param {Outbox} outbox
 * @returns {Promise<readonly Entry[]>}
 */
export async function leftBatches(outbox) {
  if (!isAnythingLeft()) return [];
  const [{ storedEntries }, { claim }] = await Promise.all([import('./journal.js'), import('./journal_owner.js')]);
  await outbox.ready;
  const left = [];
  for (const { plan, progress } of storedEntries()) {
    if (!(await claim(plan.batchId))) continue;
    const over = [...progress.over, ...plan.runs.map(({ runId }) => runId).filter((runId) => outbox.has(runId))];
    const active = progress.active && !over.includes(progress.active.runId) ? progress.active : null;
    left.push({ plan, progress: { ...progress, over, active } });
  }
  return left;
}

function isAnythingLeft() {
  try {
    return Object.keys(localStorage).some((key) => key.startsWith('browser-zoo.journal.'));
  } catch {
    return false; // Storage is blocked: an earlier page could not store anything either.
  }
}
