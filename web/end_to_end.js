/**
 * The end-to-end number: from a picture's pixels to what is in it.
 *
 * What it covers, each part by a clock of its own and one after another: `preprocess` makes the network's input from the shipped
 * photograph's RGBA pixels (451 x 300: resize, cut, normalise; preprocess.js, in this worker's one thread); `inference` is the runtime's
 * run until the outputs are in CPU memory, with the input handed over to it beforehand, which is counted here because every new picture
 * needs it; `postprocess` is reading the outputs and making the top 5 with their probabilities, or boxes, of them (answers.js).
 *
 * What it does not cover: fetching and decoding the photograph, showing anything, and messages between worker and page. It is of one
 * picture of one size: a camera's picture has thirty times the pixels, and a longer preprocessing. Nothing overlaps, which an
 * application that keeps the GPU busy might let it.
 *
 * The input is new every time, so what a session may have kept for a known tensor is of no use to it. The outputs are held to the
 * reference's by the same tolerances and the same measure as every timing's: a fast wrong answer is none.
 */

import { answer, answersPictures } from './answers.js';
import { describeMismatch, verifier } from './compare.js';
import { ZooError } from './errors.js';
import { tensorOf } from './inputs.js';
import { canReadPixels, decodePhotograph } from './photograph.js';
import { preprocess } from './preprocess.js';

/** @import { Pass } from './passes.js' */
/** @import { Job, Session, Tensor, Tensors } from './types.js' */

const REFERENCE = 'photograph';

/**
 * Whether the job's network answers pictures, and this browser gives a worker their pixels.
 * @param {Pick<Job, 'model'>} job
 * @returns {boolean}
 */
export function canEndToEnd({ model }) {
  return answersPictures(model) && model.references.some(({ name }) => name === REFERENCE) && canReadPixels();
}

/**
 * @template Feeds
 * @param {Pick<Job, 'model' | 'variant'>} job one that `canEndToEnd`
 * @param {Session<Feeds>} session
 * @param {() => number} now the runtime's clock, in ms
 * @param {{photograph: Uint8Array, reference: Tensors, priors: Tensor | null}} proof the photograph's own file, its reference file, and
 *   an SSD's priors
 * @returns {Promise<Pass>} goes that way once, each time it is called
 * @throws {ZooError} when the photograph cannot be decoded
 */
export async function endToEnd({ model, variant }, session, now, { photograph, reference, priors }) {
  const pixels = await decodePhotograph(photograph);
  const verify = verifier(model, variant, reference, priors, { reference: REFERENCE, runtime: 'the way from a picture to its answer' });
  return async () => {
    const begin = now();
    const input = preprocess(pixels, model.input);
    const prepared = now();
    const raw = await session.run(session.prepare({ [model.input.name]: input }));
    const ran = now();
    const outputs = session.read(raw);
    answer(outputs, model, priors);
    const times = { preprocess_ms: prepared - begin, inference_ms: ran - prepared, postprocess_ms: now() - ran };

    const verification = verify(outputs);
    if (verification.passed) return { times, mismatch: null };
    return { times, mismatch: mismatch(describeMismatch(verification), input, tensorOf(reference, model.input.name, REFERENCE)) };
  };
}

/**
 * @param {string} described
 * @param {Tensor} input made here
 * @param {Tensor} expected the reference's
 */
function mismatch(described, input, expected) {
  const difference = greatestDifference(input, expected);
  const inWords = difference === 0 ? "the same input as the reference's" : `an input that is off by up to ${difference.toPrecision(3)}`;
  return new ZooError('The photograph, taken from its pixels to its answer, gives another one than PyTorch', {
    got: `${described.replace(/\.$/, '')}; from ${inWords}`,
    expected: 'the outputs of the reference, within their tolerances',
    next:
      difference === 0
        ? 'try another backend: this one is right on the first inference and wrong later'
        : 'run python -m builder all on the server, so that models and photograph belong together; end_to_end=0 leaves this out',
  });
}

/**
 * @param {Tensor} one
 * @param {Tensor} other
 * @returns {number} infinite where they cannot be compared
 */
function greatestDifference(one, other) {
  if (one.dims.join() !== other.dims.join() || one.data.length !== other.data.length) return Infinity;
  let greatest = 0;
  one.data.forEach((value, at) => {
    const difference = Math.abs(value - /** @type {number} */ (other.data[at]));
    greatest = Math.max(greatest, Number.isNaN(difference) ? Infinity : difference);
  });
  return greatest;
}
