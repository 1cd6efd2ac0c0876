/** Where pictures come from: a file chosen, dropped or pasted, or the camera. None of them leaves the page. */

import { Camera } from './camera.js';
import { byId } from './dom.js';
import { ZooError, explain } from './errors.js';
import { takeDroppedFiles } from './file_drops.js';
import { readPicture } from './picture.js';

/** @import { Picture } from './picture.js' */
/** @typedef {(picture: Picture, name: string) => void} OnPicture */

const FROM_CAMERA = 'Your camera’s picture';

/** The buttons, the camera's preview, and what is dropped or pasted. */
export class PictureSources {
  /**
   * @param {{onPicture: OnPicture, onPhotograph: () => void, onProblem: (message: string) => void}} listener
   */
  constructor({ onPicture, onPhotograph, onProblem }) {
    this.onPicture = onPicture;
    this.onProblem = onProblem;
    this.preview = byId('camera', HTMLElement);
    this.video = byId('camera-video', HTMLVideoElement);
    this.open = byId('camera-open', HTMLButtonElement);
    this.camera = new Camera(this.video);
    /** Counts what was asked for, so that a slow picture does not replace a later one. */
    this.asked = 0;
    for (const id of ['picture-file', 'picture-capture']) {
      const input = byId(id, HTMLInputElement);
      input.addEventListener('change', () => void this.take([...(input.files ?? [])]).then(() => { input.value = ''; }));
    }
    byId('picture-shipped', HTMLButtonElement).addEventListener('click', () => {
      this.asked += 1;
      this.closeCamera();
      onPhotograph();
    });
    this.open.addEventListener('click', () => void this.openCamera());
    byId('camera-shoot', HTMLButtonElement).addEventListener('click', () => this.shoot());
    byId('camera-stop', HTMLButtonElement).addEventListener('click', () => this.closeCamera());
    // Nobody should be filmed by a page that is not in view.
    window.addEventListener('pagehide', () => this.closeCamera());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.closeCamera();
    });
    document.addEventListener('paste', ({ clipboardData }) => {
      const files = [...(clipboardData?.files ?? [])];
      if (files.length > 0) void this.take(files);
    });
    takeDroppedFiles((files) => void this.take(files));
  }

  /**
   * Read a picture file, and hand its pixels on.
   * @param {readonly File[]} files
   */
  async take(files) {
    const [file] = files;
    if (!file) return;
    this.asked += 1;
    const mine = this.asked;
    try {
      if (files.length > 1) {
        throw new ZooError('One picture at a time', { got: `${files.length} files`, expected: 'one picture', next: 'choose one of them' });
      }
      const picture = await readPicture(file, file.name || 'The pasted picture');
      if (mine !== this.asked) return;
      this.closeCamera();
      this.onPicture(picture, file.name || 'The pasted picture');
    } catch (error) {
      if (mine === this.asked) this.onProblem(explain(error));
    }
  }

  async openCamera() {
    this.open.disabled = true;
    try {
      const isOn = await this.camera.start(() => this.lose());
      this.preview.hidden = !isOn;
      if (isOn) byId('camera-shoot', HTMLButtonElement).focus();
    } catch (error) {
      this.closeCamera();
      // What takes the picture instead: on a phone that is its own camera application.
      byId('capture-field', HTMLElement).hidden = false;
      this.onProblem(explain(error));
    }
    this.open.disabled = !this.preview.hidden;
  }

  shoot() {
    try {
      const picture = this.camera.shoot();
      this.asked += 1;
      this.closeCamera();
      this.onPicture(picture, FROM_CAMERA);
    } catch (error) {
      this.onProblem(explain(error));
    }
  }

  /** The camera ended by itself. */
  lose() {
    this.closeCamera();
    this.onProblem('The camera was taken away, by the system or by pulling its plug. Start it again, or choose a file.');
  }

  closeCamera() {
    const had = this.preview.contains(document.activeElement);
    this.camera.stop();
    this.preview.hidden = true;
    this.open.disabled = false;
    if (had) this.open.focus({ preventScroll: true });
  }
}
