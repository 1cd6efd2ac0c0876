/** A failure that a person can act on, as builder.errors.ZooError: what happened, what was found, what was wanted, what to do next. */
export class ZooError extends Error {
  /**
   * @param {string} what
   * @param {{got: string, expected: string, next: string}} parts
   */
  constructor(what, { got, expected, next }) {
    super(`${what}. Got: ${got}. Expected: ${expected}. Next: ${next}.`);
    this.name = 'ZooError';
    this.what = what;
    this.got = got;
    this.expected = expected;
    this.next = next;
  }
}

/**
 * What to tell a person of anything that was thrown.
 * @param {unknown} thrown
 * @returns {string} never empty
 */
export function explain(thrown) {
  if (thrown instanceof ZooError) return thrown.message;
  if (thrown instanceof Error) return thrown.message ? `${thrown.name}: ${thrown.message}` : thrown.name;
  return String(thrown) || 'an unknown error';
}
