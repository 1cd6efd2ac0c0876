/**
 * What an ONNX file says of itself: inputs, outputs, operators, versions, weights kept elsewhere. Read here, from the file's own bytes,
 * because onnxruntime-web tells inputs only of a session, which takes a second or more, and the rest not at all.
 * The field numbers are those of onnx.proto (github.com/onnx/onnx).
 */

import { WireError, fields, text } from './onnx_wire.js';
import { ZooError } from './errors.js';

/** @import { Field } from './onnx_wire.js' */
/**
 * A graph's input. A dimension is a number, a name, or null where it has neither; `dims` is null where even their number is not told.
 * @typedef {{name: string, type: string, dims: readonly (number | string | null)[] | null}} OnnxInput
 */
/**
 * `operators` counts nodes by operator, "Conv" or "com.example:MyOp", those of inner graphs too.
 * @typedef {object} OnnxFacts
 * @property {number} irVersion
 * @property {number} opset of the standard domain
 * @property {readonly OnnxInput[]} inputs without those that have a value in the file
 * @property {readonly string[]} outputs
 * @property {Readonly<Record<string, number>>} operators
 */

/** TensorProto.DataType, by number. Where there is no name, no input of that type can be made. */
const TYPES = ['undefined', 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool', 'float16', 'float64', 'uint32', 'uint64'];
const STANDARD_DOMAINS = ['', 'ai.onnx'];
const DATA_ELSEWHERE = 1; // TensorProto.DataLocation.EXTERNAL

/** What is found on the way through a file. */
class Findings {
  constructor() {
    /** @type {Record<string, number>} */
    this.operators = {};
    /** @type {string | null} */
    this.elsewhere = null;
  }
}

/**
 * @param {Uint8Array} bytes a whole file
 * @param {string} name for messages
 * @returns {OnnxFacts}
 * @throws {ZooError} when it is no ONNX model, is cut off, or has its weights in another file
 */
export function readOnnx(bytes, name) {
  try {
    return readModel(bytes, name);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (error.isCutOff) throw cutOff(name, bytes, error.message);
    throw notOnnx(name, error.message);
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 * @returns {OnnxFacts}
 */
function readModel(bytes, name) {
  const parts = sorted(bytes, { 1: 'irVersion', 7: 'graph', 8: 'opset' });
  const [graph] = parts.graph ?? [];
  const irVersion = parts.irVersion?.[0]?.value ?? 0;
  if (!graph && !parts.irVersion) throw notOnnx(name, `${bytes.length} bytes without a graph`);
  // Writers put the operator set last: without it, or without a graph, the file's end is missing.
  if (!graph || !parts.opset) throw cutOff(name, bytes, graph ? 'no operator set after the graph' : 'no graph');
  const found = new Findings();
  const { inputs, outputs } = readGraph(graph.bytes, found);
  if (found.elsewhere !== null) throw weightsElsewhere(name, found.elsewhere);
  return { irVersion, opset: standardOpset(parts.opset), inputs, outputs, operators: found.operators };
}

/** @param {readonly Field[]} imports OperatorSetIdProto each */
function standardOpset(imports) {
  for (const { bytes } of imports) {
    const { domain, version } = sorted(bytes, { 1: 'domain', 2: 'version' });
    if (STANDARD_DOMAINS.includes(text(domain?.[0]?.bytes ?? new Uint8Array(0)))) return version?.[0]?.value ?? 0;
  }
  return 0;
}

/**
 * @param {Uint8Array} bytes a GraphProto
 * @param {Findings} found
 */
function readGraph(bytes, found) {
  const parts = sorted(bytes, { 1: 'node', 5: 'initializer', 11: 'input', 12: 'output' });
  const initialised = new Set((parts.initializer ?? []).map((field) => readTensor(field.bytes, found)));
  for (const node of parts.node ?? []) readNode(node.bytes, found);
  return {
    inputs: (parts.input ?? []).map((field) => readValue(field.bytes)).filter((input) => !initialised.has(input.name)),
    outputs: (parts.output ?? []).map((field) => readValue(field.bytes).name),
  };
}

/**
 * @param {Uint8Array} bytes a NodeProto
 * @param {Findings} found
 */
function readNode(bytes, found) {
  const { operator: [operator] = [], domain: [domain] = [], attribute = [] } = sorted(bytes, { 4: 'operator', 5: 'attribute', 7: 'domain' });
  const [kind, place] = [text(operator?.bytes ?? new Uint8Array(0)), text(domain?.bytes ?? new Uint8Array(0))];
  const full = STANDARD_DOMAINS.includes(place) ? kind : `${place}:${kind}`;
  found.operators[full] = (found.operators[full] ?? 0) + 1;
  for (const field of attribute) {
    const { tensor = [], graph = [], tensors = [], graphs = [] } = sorted(field.bytes, { 5: 'tensor', 6: 'graph', 10: 'tensors', 11: 'graphs' });
    for (const inner of [...tensor, ...tensors]) readTensor(inner.bytes, found);
    for (const inner of [...graph, ...graphs]) readGraph(inner.bytes, found);
  }
}

/**
 * @param {Uint8Array} bytes a TensorProto
 * @param {Findings} found
 * @returns {string} its name
 */
function readTensor(bytes, found) {
  const { name, location, elsewhere = [] } = sorted(bytes, { 8: 'name', 13: 'elsewhere', 14: 'location' });
  if (location?.[0]?.value === DATA_ELSEWHERE) found.elsewhere ??= placeOf(elsewhere);
  return text(name?.[0]?.bytes ?? new Uint8Array(0));
}

/**
 * The file that holds a tensor's data.
 * @param {readonly Field[]} entries StringStringEntryProto each
 */
function placeOf(entries) {
  for (const { bytes } of entries) {
    const { key, value } = sorted(bytes, { 1: 'key', 2: 'value' });
    if (key?.[0] && value?.[0] && text(key[0].bytes) === 'location') return text(value[0].bytes);
  }
  return 'another file';
}

/**
 * @param {Uint8Array} bytes a ValueInfoProto
 * @returns {OnnxInput}
 */
function readValue(bytes) {
  const { name, type } = sorted(bytes, { 1: 'name', 2: 'type' });
  const { tensor } = sorted(type?.[0]?.bytes ?? new Uint8Array(0), { 1: 'tensor' });
  const { element, shape } = sorted(tensor?.[0]?.bytes ?? new Uint8Array(0), { 1: 'element', 2: 'shape' });
  return {
    name: text(name?.[0]?.bytes ?? new Uint8Array(0)),
    type: tensor ? (TYPES[element?.[0]?.value ?? 0] ?? `type ${element?.[0]?.value}`) : 'no tensor',
    dims: shape?.[0] ? (sorted(shape[0].bytes, { 1: 'dimension' }).dimension ?? []).map((field) => readDimension(field.bytes)) : null,
  };
}

/**
 * Some exporters write 0 or -1 for a dimension that is not known.
 * @param {Uint8Array} bytes a TensorShapeProto.Dimension
 * @returns {number | string | null}
 */
function readDimension(bytes) {
  const { value: [value] = [], symbol: [symbol] = [] } = sorted(bytes, { 1: 'value', 2: 'symbol' });
  if (value && value.value > 0) return value.value;
  return (symbol && text(symbol.bytes)) || null;
}

/**
 * A message's fields by the names given to their numbers; the others are passed over.
 * @template {string} Name
 * @param {Uint8Array} message
 * @param {Readonly<Record<number, Name>>} names
 * @returns {{[name in Name]?: Field[]}}
 */
function sorted(message, names) {
  /** @type {{[name in Name]?: Field[]}} */
  const found = {};
  for (const field of fields(message)) {
    const name = names[field.number];
    if (name !== undefined) (found[name] ??= []).push(field);
  }
  return found;
}

/**
 * @param {string} name
 * @param {string} got
 */
function notOnnx(name, got) {
  return new ZooError(`${name} is no ONNX model`, { got, expected: 'a file that an exporter wrote as .onnx', next: 'choose another file' });
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 * @param {string} got
 */
function cutOff(name, bytes, got) {
  return new ZooError(`${name} is cut off, or no ONNX model`, {
    got: `${bytes.length} bytes, in which ${got}`,
    expected: 'a whole ONNX model',
    next: 'copy or export the file again',
  });
}

/**
 * @param {string} name
 * @param {string} place
 */
function weightsElsewhere(name, place) {
  return new ZooError(`${name} keeps its weights in another file`, {
    got: `external data in ${place}`,
    expected: 'one file that holds everything',
    next: 'save it as one file: onnx.save(model, path), without save_as_external_data',
  });
}
