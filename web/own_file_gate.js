/** Takes in files of the user's, dropped anywhere on the page or chosen. What reads them is loaded with the first one. */

import { byId } from './dom.js';
import { explain } from './errors.js';
import { sentence } from './format.js';

/** @typedef {{take: (files: readonly File[]) => Promise<void>}} Taker */

/**
 * Files are taken wherever they are dropped; elsewhere the browser would leave the page to show them.
 * @param {() => Promise<Taker>} open gives what takes them; called for every file
 */
export function takeOwnFiles(open) {
  const chosen = byId('own-file', HTMLInputElement);
  const take = (/** @type {FileList | null | undefined} */ files) => void pass([...(files ?? [])], open);
  chosen.addEventListener('change', () => take(chosen.files));
  const dragging = (/** @type {boolean} */ is) => document.documentElement.toggleAttribute('data-dragging', is);
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false;
  window.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    dragging(true);
  });
  window.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) dragging(false);
  });
  window.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    dragging(false);
    take(event.dataTransfer?.files);
  });
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
