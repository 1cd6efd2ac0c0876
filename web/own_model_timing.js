/** A worker's whole life with a timed run of a user's file: the same orders and the same manners as for the zoo's networks. */

import { Benchmark } from './benchmark.js';
import { obey } from './orders.js';
import { refineFailure } from './own_model_errors.js';
import { noise } from './own_model_inputs.js';
import { asNumbers, ownMismatch, ownVerifier } from './own_model_proof.js';
import { loadOnnxruntimeWeb } from './runtimes/ort.js';

/** @import { Subject } from './benchmark.js' */
/** @import { OwnJob } from './own_model_types.js' */

const BACKENDS = /** @type {const} */ ({ webgpu: 'WebGPU', webgl: 'WebGL', webnn: 'WebNN' });

obey((/** @type {{job: OwnJob}} */ { job }, report) => {
  const { onnxruntimeWeb, backend, deviceType, threads } = job;
  return new Benchmark(job, ownSubject(job), (onBytes) => loadOnnxruntimeWeb(onnxruntimeWeb, { backend, deviceType, threads }, onBytes), report);
});

/**
 * @param {OwnJob} job
 * @returns {Subject}
 */
function ownSubject({ file, inputs, dimensions, backend, onnxruntimeWeb, reference, random }) {
  const subject = { file, isOpen: Object.keys(dimensions).length > 0, runtime: `onnxruntime-web ${onnxruntimeWeb.version}` };
  const fetchModel = async () => new Uint8Array(await file.arrayBuffer());
  return {
    outputs: [],
    fetchModel,
    fetch: async () => ({ inputs: noise(inputs, dimensions), model: await fetchModel() }),
    verifier({ threads }) {
      const place = backend === 'wasm' ? `WebAssembly, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : BACKENDS[backend];
      const verify = ownVerifier(reference, place);
      return (outputs) => verify(asNumbers(outputs));
    },
    mismatch: (verification) => ownMismatch(verification, random),
    proveFurther: null,
    endToEnd: null,
    refine: (error) => refineFailure(error, subject),
  };
}
