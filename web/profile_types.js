/** Where the time of a network's inferences goes, as web/profile.js measures and keeps it: snake_case, units in the names. */

/** @import { Verification } from './manifest_types.js' */
/** @import { Backend, DeviceType, RuntimeName } from './run_types.js' */

/**
 * One node of the graph that ran, after the runtime's own fusions. `operator` is the runtime's name for it, which may be one that ONNX
 * lacks (FusedConv). `inputs` are the shapes of what it computes with, as far as the runtime tells. `durations_ms` holds one number for each profiled inference, `calls` how often it ran in each: more than once inside
 * a loop. `share` is of the medians of all nodes together, from 0 to 1.
 * @typedef {object} NodeTime
 * @property {string} node
 * @property {string} operator
 * @property {'wasm' | 'webgpu'} backend
 * @property {string} inputs
 * @property {number} calls
 * @property {number} median_ms
 * @property {number} share
 * @property {readonly number[]} durations_ms
 */

/**
 * All nodes of one operator on one backend; `sum_ms` adds up their medians.
 * @typedef {object} OperatorTime
 * @property {string} operator
 * @property {'wasm' | 'webgpu'} backend
 * @property {number} nodes
 * @property {number} sum_ms
 * @property {number} share
 */

/**
 * What a profiler's events come to. `clock`: whether the time of nodes is the processor's or, on WebGPU, the GPU's own. `inference_ms` is
 * the median time of a whole inference by the processor's clock, with the profiler on; `nodes_ms` the sum of the nodes' medians.
 * Both lists begin with the greatest share.
 * @typedef {object} Times
 * @property {'processor' | 'gpu'} clock
 * @property {number} iterations
 * @property {number} inference_ms
 * @property {number} nodes_ms
 * @property {readonly OperatorTime[]} operators
 * @property {readonly NodeTime[]} nodes
 */

/**
 * A profile, whole: what is shown and saved. It is no timing, and never sent.
 * @typedef {object} ProfileFacts
 * @property {1} schema_version
 * @property {string} profiled_at
 * @property {string} page_version
 * @property {RuntimeName} runtime
 * @property {string} runtime_version
 * @property {string} model
 * @property {string} variant
 * @property {string} model_sha256
 * @property {Backend} backend
 * @property {DeviceType | null} device_type
 * @property {number} threads
 * @property {string} browser
 * @property {string} browser_version
 * @property {number} timer_step_ms
 * @property {number} warmup_iterations
 * @property {Verification} verification
 * @property {Verification} final_check
 */

/** @typedef {ProfileFacts & Times} Profile */

/**
 * What a profiling worker measured.
 * @typedef {Times & Pick<ProfileFacts, 'runtime_version' | 'threads' | 'warmup_iterations' | 'verification' | 'final_check'>} Profiled
 */

export {};
