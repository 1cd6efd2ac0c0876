/** One worker of a calibration: says that it is ready, waits for the word to begin, and tells how its passes went. */

import { measurePasses } from './calibration_loop.js';

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));

scope.onmessage = () => scope.postMessage(measurePasses(() => performance.now()));
scope.postMessage('ready');
