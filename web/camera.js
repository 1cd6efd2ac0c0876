/** The device's camera: asked for, shown, and let go of. */

import { ZooError, explain } from './errors.js';
import { drawn } from './picture.js';

/** @import { Picture } from './picture.js' */

/** Enough for every network here, and quick to start. */
const WANTED = { video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 960 } }, audio: false };
const INSTEAD = 'choose a file, or take the picture with another application and choose that';

/** One camera, in one <video>. */
export class Camera {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** Whether it is still wanted once the person has answered the browser's question. */
    this.wanted = false;
  }

  /**
   * Ask for the camera, and show what it sees.
   * @param {() => void} onLost called when it ends by itself: unplugged, or taken away
   * @returns {Promise<boolean>} false when it was stopped meanwhile
   * @throws {ZooError} when there is none to be had
   */
  async start(onLost) {
    this.stop();
    this.wanted = true;
    const stream = await ask();
    if (!this.wanted) {
      end(stream);
      return false;
    }
    this.stream = stream;
    for (const track of stream.getTracks()) track.addEventListener('ended', onLost, { once: true });
    this.video.srcObject = stream;
    await this.video.play();
    return true;
  }

  /**
   * What it shows now.
   * @returns {Picture}
   * @throws {ZooError} when there is no frame yet
   */
  shoot() {
    return drawn(this.video, this.video.videoWidth, this.video.videoHeight, "The camera's picture");
  }

  /** Let the camera go: its light goes out. */
  stop() {
    this.wanted = false;
    if (this.stream) end(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }
}

/** @param {MediaStream} stream */
function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** @returns {Promise<MediaStream>} */
async function ask() {
  if (!isSecureContext) {
    throw new ZooError('The camera cannot be used on this page', {
      got: `an address that is not secure (${location.origin})`,
      expected: 'https, or localhost: browsers give the camera to no others',
      next: INSTEAD,
    });
  }
  const { mediaDevices } = /** @type {{mediaDevices?: MediaDevices}} */ (navigator);
  if (!mediaDevices?.getUserMedia) throw unusable('a browser that gives no page the camera', INSTEAD);
  try {
    return await mediaDevices.getUserMedia(WANTED);
  } catch (error) {
    throw unusable(...explanation(error));
  }
}

/**
 * @param {unknown} error
 * @returns {[got: string, next: string]}
 */
function explanation(error) {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return ['the permission was refused', 'allow the camera in the browser’s settings of this site and try again, or choose a file'];
    case 'NotFoundError':
    case 'OverconstrainedError':
      return ['no camera on this device', INSTEAD];
    case 'NotReadableError':
    case 'AbortError':
      return ['the camera does not start; another application may be using it', 'close that one and try again, or choose a file'];
    default:
      return [explain(error), INSTEAD];
  }
}

/**
 * @param {string} got
 * @param {string} next
 */
function unusable(got, next) {
  return new ZooError('The camera cannot be used', { got, expected: 'a camera, and the permission to use it', next });
}
