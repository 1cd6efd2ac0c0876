/** A worker's whole life: it does what the page orders, one order at a time, and tells. The page terminates it afterwards. */

import { Benchmark } from './benchmark.js';
import { obey } from './orders.js';
import { loadFake } from './runtimes/fake.js';
import { loadOnnxruntimeWeb } from './runtimes/ort.js';
import { zooSubject } from './zoo_subject.js';

/** @import { Job, LoadRuntime } from './types.js' */

obey((/** @type {{job: Job}} */ { job }, report) => new Benchmark(job, zooSubject(job), loaderFor(job), report));

/**
 * @param {Job} job
 * @returns {LoadRuntime<any>} any: what a runtime's feeds are is its own business
 */
function loaderFor({ runtime, onnxruntimeWeb, backend, deviceType, threads, fake }) {
  return runtime === 'fake' ? () => loadFake(fake) : (onBytes) => loadOnnxruntimeWeb(onnxruntimeWeb, { backend, deviceType, threads }, onBytes);
}
