/** What this browser remembers of itself between visits: the device's id and the name that its owner gave it. */

const ID_KEY = 'browser-zoo.device-id';
const NAME_KEY = 'browser-zoo.device-name';

/**
 * A random UUID of version 4. crypto.randomUUID exists in secure contexts only; a phone on a LAN address has none.
 * @returns {string}
 */
export function randomUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * This browser's id, made on the first visit. Where nothing can be stored (private mode, blocked storage) it lasts one visit.
 * @returns {string}
 */
export function deviceId() {
  const known = recall(ID_KEY);
  if (known && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(known)) return known;
  const made = randomUuid();
  remember(ID_KEY, made);
  return made;
}

/** @returns {string | null} the name given before */
export function recallDeviceName() {
  return recall(NAME_KEY);
}

/** @param {string} name */
export function rememberDeviceName(name) {
  remember(NAME_KEY, name);
}

/** @param {string} key */
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage is blocked: as if nothing had been stored.
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is blocked or full. Nothing is lost: the caller holds the value, the next visit makes or asks for another.
  }
}
