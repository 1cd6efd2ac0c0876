/** The picture as the network sees it, on the page's canvas. */

import { byId } from './dom.js';
import { fit } from './preprocess.js';

/** @import { InputEntry } from './manifest_types.js' */
/** @import { Picture } from './picture.js' */

/**
 * Draw the pixels that the network is given. Where the rule stretches them, they are shown in the picture's own shape.
 * @param {Picture} picture
 * @param {string} name
 * @param {InputEntry} input one that has preprocessing
 */
export function showSeen(picture, name, input) {
  const { data, width, height } = fit(picture.pixels, input);
  const canvas = byId('seen', HTMLCanvasElement);
  [canvas.width, canvas.height] = [width, height];
  const shown = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    shown.data[to] = data[from] ?? 0;
    shown.data[to + 1] = data[from + 1] ?? 0;
    shown.data[to + 2] = data[from + 2] ?? 0;
    shown.data[to + 3] = 255;
  }
  canvas.getContext('2d')?.putImageData(shown, 0, 0);
  canvas.setAttribute('aria-label', `${name}, as the network sees it`);
  const isStretched = input.preprocessing?.resize === 'stretch';
  const shape = isStretched ? picture.width / picture.height : width / height;
  byId('frame', HTMLElement).style.setProperty('--shape', String(shape));
  byId('seen-caption', HTMLElement).textContent = `${name}. ${inWords(picture, { width, height }, isStretched)}`;
}

/**
 * @param {Picture} picture
 * @param {{width: number, height: number}} given
 * @param {boolean} isStretched
 */
function inWords({ pixels, width, height }, given, isStretched) {
  const size = (/** @type {{width: number, height: number}} */ one) => `${one.width} × ${one.height}`;
  const scaled = pixels.width === width ? '' : ` (first scaled to ${size(pixels)})`;
  const origin = `${size({ width, height })}${scaled}`;
  if (isStretched) return `The network is given ${size(given)} pixels, stretched from ${origin}; here they have the picture’s own shape.`;
  return `The network is given ${size(given)} pixels from the middle of ${origin}.`;
}
