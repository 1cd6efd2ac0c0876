/**
 * Files are taken wherever they are dropped; elsewhere the browser would leave the page to show them. While some are held over the
 * page, its root has the attribute data-dragging.
 * @param {(files: readonly File[]) => void} take
 */
export function takeDroppedFiles(take) {
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
    take([...(event.dataTransfer?.files ?? [])]);
  });
}
