/** Protocol Buffers' wire format, as far as ONNX uses it (protobuf.dev/programming-guides/encoding). Nothing is copied. */

/** Bytes that are no message, or not a whole one. */
export class WireError extends Error {
  /**
   * @param {string} message
   * @param {boolean} isCutOff whether something announced lies beyond the end
   */
  constructor(message, isCutOff) {
    super(message);
    this.isCutOff = isCutOff;
  }
}

/**
 * One field of a message: `bytes` for what has a length, `value` for numbers.
 * @typedef {{number: number, bytes: Uint8Array, value: number}} Field
 */

const NO_BYTES = new Uint8Array(0);
const TEXT = new TextDecoder();

/**
 * The fields of a message in their order. What a field holds is not looked at, so that a file's weights cost nothing.
 * @param {Uint8Array} message
 * @returns {Generator<Field>}
 * @throws {WireError}
 */
export function* fields(message) {
  let at = 0;
  while (at < message.length) {
    const [key, begin] = varint(message, at);
    const number = Math.floor(key / 8);
    if (number === 0) throw new WireError(`byte ${at} begins no field`, false);
    const wireType = key % 8;
    if (wireType === 0) {
      const [value, end] = varint(message, begin);
      yield { number, bytes: NO_BYTES, value };
      at = end;
    } else {
      const [length, start] = wireType === 2 ? varint(message, begin) : [fixedLength(wireType, at), begin];
      if (length < 0 || start + length > message.length) throw new WireError(`field ${number} goes on beyond the end`, true);
      yield { number, bytes: message.subarray(start, start + length), value: NaN };
      at = start + length;
    }
  }
}

/** @param {Uint8Array} bytes */
export function text(bytes) {
  return TEXT.decode(bytes);
}

/**
 * @param {number} wireType
 * @param {number} at
 */
function fixedLength(wireType, at) {
  if (wireType === 1) return 8;
  if (wireType === 5) return 4;
  throw new WireError(`byte ${at} begins no field`, false);
}

/**
 * A number of 64 bits, signed. Numbers beyond 2^53 lose their last digits: in ONNX only hashes are so great.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {[number, number]} the number, and where the next field begins
 */
function varint(bytes, at) {
  let value = 0n;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) throw new WireError('a number goes on beyond the end', true);
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return [Number(BigInt.asIntN(64, value)), at + index + 1];
  }
  throw new WireError(`byte ${at} begins no number`, false);
}
