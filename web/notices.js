/** What a person should know apart from the results: parameters that are off, and runs that the server does not have. */

import { byId, html } from './dom.js';
import { counted, sentence } from './format.js';

/** @import { Outbox } from './upload.js' */

/**
 * Name what is wrong with the URL, or why the page cannot work.
 * @param {string} heading
 * @param {readonly string[]} problems
 */
export function showProblems(heading, problems) {
  const place = byId('problems', HTMLElement);
  place.replaceChildren(html('h2', {}, heading), html('ul', {}, ...problems.map((problem) => html('li', {}, problem))));
  place.hidden = false;
}

/**
 * How many runs wait, why, and what can be done.
 * @param {Outbox} outbox
 */
export function showUnsent(outbox) {
  const { kept } = outbox;
  const refused = kept.filter((item) => item.refused !== null);
  const place = byId('unsent', HTMLElement);
  place.hidden = kept.length === 0;
  byId('unsent-count', HTMLElement).textContent = `${counted(kept.length, 'run')} not sent yet`;
  byId('unsent-explanation', HTMLElement).textContent = outbox.isStored
    ? whyNotSent(outbox)
    : `This browser stores nothing more (${outbox.problem}), so keep this tab open until they are sent.`;
  byId('refusals', HTMLElement).replaceChildren(
    ...refused.map(({ run, refused: reason }) => html('li', {}, `${run.model}, ${run.backend}: refused by the server. ${reason}`)),
  );
  byId('discard-refused', HTMLElement).hidden = refused.length === 0;
}

/** @param {Outbox} outbox */
function whyNotSent({ trouble }) {
  if (trouble === null) return 'They are kept in this browser and sent when the server can be reached.';
  return `They are kept in this browser and sent again by themselves. The server could not take them yet: ${sentence(trouble)}`;
}
