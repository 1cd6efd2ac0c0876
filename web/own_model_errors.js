/** What onnxruntime-web and the browser say when a file cannot be run, as one clear message. */

import { ZooError, explain } from './errors.js';

/** @typedef {{file: File, isOpen: boolean, runtime: string}} Subject isOpen: whether the file leaves dimensions open */

/** Words of onnxruntime-web 1.30.0 (in a browser, November 2026) for an operator that it lacks; what is captured names it. */
const MISSING_OPERATOR = [
  /Fatal error: (\S+?)\(-?\d+\) is not a registered function\/op/,
  /No Op registered for (\S+) with domain_version/,
  /Could not find an implementation for (\S+) node/,
];
const TOO_NEW = /Opset (\d+) is under development|Unsupported model IR version: (\d+)/;
const NO_MEMORY = /bad_alloc|out of memory|memory access out of bounds|offset is out of bounds|could not allocate|Array buffer allocation|Invalid typed array length|RangeError/i;
const IN_A_RUN = /OrtRun\(\)|while running/;

/**
 * @param {unknown} thrown
 * @param {Subject} subject
 * @returns {Error}
 */
export function refineFailure(thrown, { file, isOpen, runtime }) {
  if (thrown instanceof ZooError) return thrown;
  const said = explain(thrown);
  const operator = MISSING_OPERATOR.map((pattern) => pattern.exec(said)?.[1]).find(Boolean);
  if (operator) {
    return new ZooError(`${runtime} cannot run ${file.name}: it lacks an operator`, {
      got: operator,
      expected: 'operators of the standard domain that have a kernel here',
      next: 'export the model without that operator, or at an opset from 17 to 20',
    });
  }
  const version = TOO_NEW.exec(said);
  if (version) {
    return new ZooError(`${file.name} is newer than ${runtime}`, {
      got: version[1] ? `opset ${version[1]}` : `IR version ${version[2]}`,
      expected: 'opset 26 and IR version 13 at most',
      next: 'export the model at an opset from 17 to 20',
    });
  }
  if (NO_MEMORY.test(said)) {
    return new ZooError(`The memory of this browser does not suffice for ${file.name}`, {
      got: shortened(said),
      expected: 'a model that fits into 4 GB together with its inputs and what it computes',
      next: isOpen ? 'choose smaller dimensions' : 'close other tabs, or choose a smaller model',
    });
  }
  if (IN_A_RUN.test(said)) {
    return new ZooError(`${file.name} refuses these inputs`, {
      got: shortened(said),
      expected: isOpen ? 'dimensions that the model can compute with' : 'a model that can compute with noise',
      next: isOpen ? 'choose other dimensions' : 'choose another file: this one needs inputs of its own',
    });
  }
  return new ZooError(`${runtime} cannot open ${file.name}`, {
    got: shortened(said),
    expected: 'a model that it can run',
    next: 'check the file with onnx.checker, or export it at an opset from 17 to 20',
  });
}

/**
 * Without the names of error codes and of source files on the machine that built the runtime.
 * @param {string} said
 */
function shortened(said) {
  const message = said.split('ERROR_MESSAGE: ').at(-1) ?? said;
  return message.replace(/^\/\S+:\d+ .*?\) (?=[A-Z]|\w+ [=!<>])/, '').replace(/\.$/, '').trim().slice(0, 500);
}
