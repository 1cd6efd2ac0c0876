/** Addresses of this project's own pages. */

/**
 * The page of one network.
 * @param {string} id
 */
export function modelPage(id) {
  return `./model.html?${new URLSearchParams({ id })}`;
}

/**
 * The page that times, with one network chosen.
 * @param {string} id
 */
export function timingPage(id) {
  return `./?${new URLSearchParams({ models: id })}`;
}
