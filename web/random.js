/**
 * Numbers in [0, 1) that look random, the same for the same seed: Mulberry32 of Tommy Ettinger (2017).
 * @param {number} seed
 * @returns {() => number}
 */
export function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A seed that nobody chose.
 * @returns {number} a whole number below 2**32
 */
export function drawSeed() {
  return /** @type {number} */ (crypto.getRandomValues(new Uint32Array(1))[0]);
}

/**
 * The same items in an order that each is as likely as any other (Fisher and Yates, as Durstenfeld has it).
 * @template Item
 * @param {readonly Item[]} items
 * @param {() => number} random numbers in [0, 1)
 * @returns {Item[]}
 */
export function shuffled(items, random) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [/** @type {Item} */ (order[other]), /** @type {Item} */ (order[last])];
  }
  return order;
}
