import { blankMeasurement } from './run_log.js';

/** @import { Job, Measurement, Progress, Stage, WorkerMessage } from './types.js' */

/** A tick longer than this means that the device slept or throttled the tab, not that the worker said nothing for so long. */
const LONGEST_TICK_S = 60;

/**
 * Run a job in a worker of its own, which is terminated afterwards: onnxruntime-web's memory only grows, and one failed start would
 * poison the next. A worker that crashes or says nothing for `timeoutS` gives a measurement with an error.
 * @param {Job} job
 * @param {{timeoutS: number, signal: AbortSignal, onProgress: (progress: Progress) => void}} options
 * @returns {Promise<Measurement | null>} null when `signal` stopped it
 */
export async function supervise(job, { timeoutS, signal, onProgress }) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: `${job.model.id} ${job.backend}` });
  let measured = blankMeasurement(job);
  /** @type {Stage} */
  let stage = 'start';
  const watchdog = new Watchdog(timeoutS);
  try {
    return await new Promise((resolve) => {
      const fail = (/** @type {string} */ message) =>
        resolve({ ...measured, samples: [], stopped_by: 'error', error: { stage, message: message.slice(0, 4000) } });
      signal.addEventListener('abort', () => resolve(null), { once: true });
      watchdog.start(() =>
        fail(`The worker said nothing for ${timeoutS} s and was stopped. The URL parameter timeout (in seconds) sets another patience.`),
      );
      worker.onerror = (event) => {
        event.preventDefault();
        fail(`The worker crashed: ${event.message || 'its script could not be loaded or run'}`);
      };
      worker.onmessageerror = () => fail('A message of the worker could not be read');
      worker.onmessage = (/** @type {MessageEvent<WorkerMessage>} */ { data }) => {
        watchdog.pat();
        if (data.kind === 'finished') return resolve(data.measured);
        ({ measured, progress: { stage } } = data);
        onProgress(data.progress);
      };
      worker.postMessage(job);
    });
  } finally {
    watchdog.stop();
    worker.terminate();
  }
}

/** Counts silence in ticks, so that a device that slept does not wake to find every run given up. */
export class Watchdog {
  /** @param {number} timeoutS */
  constructor(timeoutS) {
    this.timeoutS = timeoutS;
    this.silentS = 0;
    this.timer = 0;
  }

  /** @param {() => void} onSilence */
  start(onSilence) {
    let before = performance.now();
    this.timer = window.setInterval(() => {
      const now = performance.now();
      this.silentS += Math.min((now - before) / 1000, LONGEST_TICK_S);
      before = now;
      if (this.silentS >= this.timeoutS) onSilence();
    }, Math.min(1000, this.timeoutS * 250));
  }

  /** The worker spoke. */
  pat() {
    this.silentS = 0;
  }

  stop() {
    window.clearInterval(this.timer);
  }
}
