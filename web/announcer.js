/** What a screen reader is told while runs go by: what has happened, not every step, and never in a rush. */

/** As long as a sentence takes to be read. */
const GAP_MS = 4000;

/** A live region. Of several texts that come at once, the last is told. */
export class Announcer {
  /** @param {HTMLElement} place a polite live region */
  constructor(place) {
    this.place = place;
    this.toldAt = -Infinity;
    this.timer = 0;
  }

  /**
   * @param {string} text
   * @param {{now: boolean}} [options] now: an answer to what the person just did
   */
  tell(text, { now } = { now: false }) {
    window.clearTimeout(this.timer);
    const wait = now ? 0 : this.toldAt + GAP_MS - performance.now();
    if (wait > 0) {
      this.timer = window.setTimeout(() => this.tell(text, { now: true }), wait);
      return;
    }
    this.toldAt = performance.now();
    this.place.textContent = text;
  }
}
