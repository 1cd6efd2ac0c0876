/** Takes in files of the user's, dropped anywhere on the page or chosen. What reads them is loaded with the first one. */

import { byId } from './dom.js';
import { explain } from './errors.js';
import { takeDroppedFiles } from './file_drops.js';
import { sentence } from './format.js';

/** @typedef {{take: (files: readonly File[]) => Promise<void>}} Taker */

/**
 * Files are taken where they are chosen, and wherever they are dropped.
 * @param {() => Promise<Taker>} open gives what takes them; called for every file
 */
export function takeOwnFiles(open) {
  const chosen = byId('own-file', HTMLInputElement);
  const take = (/** @type {readonly File[]} */ files) => void pass(files, open);
  chosen.addEventListener('change', () => take([...(chosen.files ?? [])]));
  takeDroppedFiles(take);
}

/**
 * @param {readonly File[]} files
 * @param {() => Promise<Taker>} open
 */
async function pass(files, open) {
  if (files.length === 0) return;
  try {
    await (await open()).take(files);
  } catch (error) {
    const problem = byId('own-problem', HTMLElement);
    problem.textContent = `The code that reads files could not be loaded. ${sentence(explain(error))} Next: see that the server can be reached, reload the page and try again.`;
    problem.hidden = false;
  }
}
