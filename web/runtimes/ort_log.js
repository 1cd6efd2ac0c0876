/**
 * What onnxruntime says while it works, kept from the console and read where it tells something. Verbose lines come only from a session
 * that was made to be verbose, so that nothing of this runs while one is timed.
 */

const METHODS = /** @type {const} */ (['log', 'info', 'warn', 'error', 'debug']);
/** Verbose, information, warning: what the runtime does not print at its usual severity. */
const UNUSUAL = /\[[VIW]:onnxruntime:/;

/** @typedef {(line: string) => boolean} Reader told of each line; returns whether it wants it, and so keeps it from the console */

/** Stands between the runtime and the console. */
export class RuntimeLog {
  constructor() {
    /** @type {Reader | null} */
    this.reader = null;
    this.originals = METHODS.map((method) => /** @type {const} */ ([method, console[method]]));
  }

  /**
   * Have a runtime started that speaks through this log ever after, and give the console its own functions back: the runtime keeps
   * those that it finds when it starts.
   * @template Result
   * @param {() => Promise<Result>} start
   * @returns {Promise<Result>}
   */
  async during(start) {
    for (const [method, print] of this.originals) {
      console[method] = (/** @type {unknown[]} */ ...said) => {
        const line = said.join(' ');
        if (!this.reader?.(line) && !UNUSUAL.test(line)) print.apply(console, said);
      };
    }
    try {
      return await start();
    } finally {
      for (const [method, print] of this.originals) console[method] = print;
    }
  }

  /**
   * Read what is said until something is over.
   * @template Result
   * @param {Reader} reader
   * @param {() => Promise<Result>} something
   * @returns {Promise<Result>}
   */
  async read(reader, something) {
    this.reader = reader;
    try {
      return await something();
    } finally {
      this.reader = null;
    }
  }
}
