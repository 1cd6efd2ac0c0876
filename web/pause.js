/** A gate that a person closes to have nothing measured for a while. What is under way comes to its end first. */
export class PauseGate {
  constructor() {
    /** @type {Promise<void> | null} */
    this.closed = null;
    this.open = () => {};
  }

  get isPaused() {
    return this.closed !== null;
  }

  pause() {
    this.closed ??= new Promise((resolve) => {
      this.open = resolve;
    });
  }

  resume() {
    this.closed = null;
    this.open();
  }

  /** At once if nothing is paused. A gate that is closed again meanwhile is waited for again. */
  async whenRunning() {
    while (this.closed) await this.closed;
  }
}
