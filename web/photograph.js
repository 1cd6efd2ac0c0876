/** The picture that ships with the project, on which every network is held to PyTorch; and a picture's own pixels, in a worker. */

import { download } from './download.js';
import { ZooError, explain } from './errors.js';

/** @import { FileEntry } from './manifest_types.js' */
/** @import { Pixels } from './preprocess.js' */

/**
 * builder/data/photograph.png, which the server serves beside the models. It is named by its hash, so that a browser's cache keeps it
 * for good.
 * @type {FileEntry}
 */
export const PHOTOGRAPH = Object.freeze({
  path: 'photograph.png',
  sha256: '596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb',
  bytes: 240512,
});

/** Whether a picture's pixels can be had without a page: in a worker. */
export function canReadPixels() {
  return typeof OffscreenCanvas === 'function' && typeof createImageBitmap === 'function';
}

/**
 * The photograph's pixels as its file has them: no colour profile is applied and nothing is multiplied.
 * @returns {Promise<Pixels>}
 * @throws {ZooError} when it cannot be had, or this browser cannot decode it in a worker
 */
export async function photographPixels() {
  return decodePhotograph((await download(PHOTOGRAPH, () => {})).bytes);
}

/**
 * @param {Uint8Array} bytes the photograph's file
 * @returns {Promise<Pixels>}
 * @throws {ZooError} when this browser cannot decode it in a worker
 */
export async function decodePhotograph(bytes) {
  try {
    const file = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type: 'image/png' });
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
    const { width, height } = bitmap;
    const pen = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!pen) throw new Error('no 2d context');
    pen.drawImage(bitmap, 0, 0);
    bitmap.close();
    return pen.getImageData(0, 0, width, height);
  } catch (error) {
    throw new ZooError('The photograph cannot be decoded', {
      got: explain(error),
      expected: 'a browser that decodes PNG in a worker',
      next: 'leave end to end out: end_to_end=0 in the address',
    });
  }
}
