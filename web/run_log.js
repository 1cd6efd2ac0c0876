import { ZooError, explain } from './errors.js';

/** @import { Verification } from './manifest_types.js' */
/** @import { Stage } from './run_types.js' */
/** @import { Job, Measurement, Progress } from './types.js' */
/** @typedef {(progress: Progress, measured: Measurement) => void} Report */

/** As many samples, and as long a message, as a Run can hold. */
export const MOST_SAMPLES = 10_000;
const LONGEST_MESSAGE = 4000;

/** What has been measured so far, and the stage that is on. Each change makes a new value. */
export class Log {
  /**
   * @param {Pick<Job, 'runtime' | 'onnxruntimeWeb' | 'threads'>} job
   * @param {Report} report
   */
  constructor(job, report) {
    this.report = report;
    this.reportedAt = -Infinity;
    /** @type {Stage} */
    this.stage = 'start';
    /** @type {Measurement} */
    this.measured = blankMeasurement(job);
  }

  /**
   * A stage begins: the page is told at once.
   * @param {Stage} stage
   * @param {number} [total]
   */
  enter(stage, total = 0) {
    this.stage = stage;
    this.tell({ stage, done: 0, total, samples: [] });
  }

  /** @param {Partial<Measurement>} part */
  record(part) {
    this.measured = { ...this.measured, ...part };
  }

  /**
   * Tell the page, unless it heard from here a moment ago.
   * @param {number} every milliseconds
   * @param {() => Progress} progress made only if it is told
   * @returns {boolean} whether it was told
   */
  tellSometimes(every, progress) {
    const due = performance.now() - this.reportedAt >= every;
    if (due) this.tell(progress());
    return due;
  }

  /** @param {Progress} progress */
  tell(progress) {
    this.report(progress, this.measured);
    this.reportedAt = performance.now();
  }

  /**
   * Keep a verification, and end the run if it did not pass.
   * @param {'verification' | 'final_check'} stage
   * @param {Verification} verification
   * @param {(verification: Verification) => Error} mismatch
   */
  proven(stage, verification, mismatch) {
    this.stage = stage;
    this.record({ [stage]: verification });
    if (!verification.passed) throw mismatch(verification);
  }

  /**
   * The run as a failure: what was measured before stays, samples without proof do not.
   * @param {unknown} thrown
   * @returns {Measurement}
   */
  failed(thrown) {
    const message = thrown instanceof ZooError || !(thrown instanceof Error) ? explain(thrown) : thrown.message || thrown.name;
    this.measured = failed(this.measured, this.stage, message);
    return this.measured;
  }
}

/**
 * A measurement that ended in an error.
 * @param {Measurement} measured
 * @param {Stage} stage
 * @param {string} message
 * @returns {Measurement}
 */
export function failed(measured, stage, message) {
  const error = { stage, message: message.slice(0, LONGEST_MESSAGE) || 'an unknown error' };
  return { ...measured, samples: [], end_to_end: [], stopped_by: 'error', error };
}

/**
 * A measurement of nothing yet. `stopped_by` holds once the samples are in.
 * @param {Pick<Job, 'runtime' | 'onnxruntimeWeb' | 'threads'>} job
 * @returns {Measurement}
 */
export function blankMeasurement({ runtime, onnxruntimeWeb, threads }) {
  return {
    runtime_version: runtime === 'fake' ? '1' : onnxruntimeWeb.version,
    threads,
    warmup_iterations: 0,
    warmup_ended_by: null,
    stopped_by: 'iterations',
    download_ms: null,
    download_cached: null,
    hashed: null,
    runtime_ms: null,
    session_ms: null,
    first_ms: null,
    samples: [],
    end_to_end: [],
    end_to_end_failure: null,
    end_to_end_hidden: false,
    verification: null,
    final_check: null,
    placement: null,
    error: null,
  };
}
