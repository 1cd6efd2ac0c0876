/** A person's picture, decoded here and nowhere else: from a file, or from what the camera shows. */

import { ZooError, explain } from './errors.js';

/** @import { Pixels } from './preprocess.js' */

/**
 * `width` and `height` are the picture's own, upright; its pixels may be fewer.
 * @typedef {{pixels: Pixels, width: number, height: number}} Picture
 */

/**
 * A longer side than this is scaled to it by the browser: that is more than any network here looks at, and a phone's canvas has limits
 * (iOS: 16.7 million pixels).
 */
const LONGEST_SIDE = 2048;
const HEIC_BRANDS = /^ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)/;

/**
 * A picture file's pixels: turned as its EXIF orientation says, on white where it is transparent, the first one of a moving picture.
 * @param {Blob} file
 * @param {string} name for messages
 * @returns {Promise<Picture>}
 * @throws {ZooError} when this browser makes no picture of it
 */
export async function readPicture(file, name) {
  if (file.size === 0) throw notDecoded(name, 'an empty file', 'choose another one');
  const url = URL.createObjectURL(file);
  try {
    // An <img> is what every browser turns upright; it reads SVG too.
    const image = new Image();
    image.src = url;
    await image.decode();
    return drawn(image, image.naturalWidth, image.naturalHeight, name);
  } catch (error) {
    if (error instanceof ZooError) throw error;
    const [got, next] = await explanation(file, error);
    throw notDecoded(name, got, next);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * What can be drawn, as pixels.
 * @param {CanvasImageSource} source
 * @param {number} width its own
 * @param {number} height its own
 * @param {string} name for messages
 * @returns {Picture}
 * @throws {ZooError} when it has no size, or cannot be drawn
 */
export function drawn(source, width, height, name) {
  if (width < 1 || height < 1) throw notDecoded(name, 'a picture without a size of its own', 'save it as PNG or JPEG, and choose that');
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const [columns, rows] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  if (!pen) throw notDecoded(name, 'no canvas for it: the memory is full', 'close other pages, then try again');
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, columns, rows);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(source, 0, 0, columns, rows);
  return { pixels: pen.getImageData(0, 0, columns, rows), width, height };
}

/**
 * What a file is that makes no picture, and what helps.
 * @param {Blob} file
 * @param {unknown} error the browser's
 * @returns {Promise<[got: string, next: string]>}
 */
async function explanation(file, error) {
  const start = new TextDecoder('latin1').decode(await file.slice(4, 12).arrayBuffer());
  if (HEIC_BRANDS.test(start)) {
    return ['a HEIC picture, as iPhones save it', 'save it as JPEG and choose that, or take the picture with the camera here'];
  }
  const kind = file.type || 'no known type';
  if (!file.type.startsWith('image/')) return [`a file of ${kind}`, 'choose a picture: JPEG, PNG, WebP, AVIF or GIF'];
  return [`${kind}, of which the browser says: ${explain(error)}`, 'save it as PNG or JPEG, and choose that'];
}

/**
 * @param {string} name
 * @param {string} got
 * @param {string} next
 */
function notDecoded(name, got, next) {
  return new ZooError(`${name} cannot be shown as a picture`, { got, expected: 'a picture that this browser decodes', next });
}
