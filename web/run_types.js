/**
 * The run that the page posts, and what is inside it: timings/records.py field by field, snake_case names and units included;
 * tests/web/test_types.py compares the two.
 */

/** @import { Verification } from './manifest_types.js' */

/** @typedef {'start' | 'download' | 'runtime' | 'session' | 'first_inference' | 'verification' | 'warm_up' | 'sampling' | 'final_check' | 'end_to_end' | 'placement'} Stage */

/**
 * One timed inference. `start_ms` counts from the first sample's start, `round` from 1.
 * @typedef {object} Sample
 * @property {number} start_ms
 * @property {number} duration_ms
 * @property {number} round
 */

/**
 * One way of a photograph's pixels to what is in it.
 * @typedef {object} EndToEnd
 * @property {number} preprocess_ms
 * @property {number} inference_ms
 * @property {number} postprocess_ms
 */

/**
 * Where a run stood among those of one press of the button.
 * @typedef {object} Order
 * @property {string} batch_id
 * @property {'alone' | 'interleaved' | 'sequential'} mode
 * @property {number} seed
 * @property {number} position
 * @property {number} runs
 * @property {number} block From 1: runs of the same block were in memory together and took turns.
 * @property {string | null} reason
 */

/**
 * A loop of plain arithmetic in `workers` threads at once: the fastest pass, and the share of time that the median worker lost.
 * @typedef {object} Calibration
 * @property {number} workers
 * @property {number} loop_ms
 * @property {number} lost_share
 */

/**
 * What the device was doing while it measured.
 * @typedef {object} Conditions
 * @property {number} times_hidden
 * @property {number} repeats
 * @property {'held' | 'refused' | 'unsupported'} wake_lock What the browser answered last; unsupported: it knows none, or has not answered.
 * @property {number | null} battery_level
 * @property {boolean | null} battery_charging
 * @property {Calibration | null} calibration_before
 * @property {Calibration | null} calibration_after
 */

/**
 * What ended a run without a timing, and at which stage.
 * @typedef {object} Failure
 * @property {Stage} stage
 * @property {string} message
 */

/**
 * A doubt about the measurement, kept beside it.
 * @typedef {object} RunWarning
 * @property {string} code
 * @property {string} message
 */

/**
 * What the page could learn of the device and its browser. Null is "not told by this browser".
 * @typedef {object} Device
 * @property {string} device_id
 * @property {string} device_name
 * @property {string} user_agent
 * @property {string} browser
 * @property {string} browser_version
 * @property {string} platform
 * @property {string | null} platform_version
 * @property {string | null} architecture
 * @property {string | null} device_model
 * @property {boolean | null} mobile
 * @property {number | null} cores
 * @property {number | null} memory_gb
 * @property {string | null} gpu_vendor
 * @property {string | null} gpu_architecture
 * @property {string | null} gpu_description
 * @property {boolean | null} gpu_software
 * @property {number} screen_width
 * @property {number} screen_height
 * @property {number} pixel_ratio
 * @property {boolean} secure_context
 * @property {boolean} cross_origin_isolated
 * @property {number} timer_step_ms
 * @property {boolean} wasm_simd
 * @property {boolean} wasm_relaxed_simd
 * @property {boolean} wasm_threads
 * @property {string | null} engine
 * @property {string | null} engine_version
 * @property {string | null} bitness
 * @property {boolean | null} wow64 Whether a 32-bit browser runs on 64-bit Windows.
 * @property {string | null} form_factor
 * @property {boolean | null} gpu_fallback_adapter
 * @property {string | null} webgl_renderer
 * @property {string | null} emulated What a driver made this browser pretend to be.
 */

/**
 * How the runtime placed a model's nodes: how many of each operator on each backend, after its own fusions.
 * @typedef {Readonly<Record<string, Readonly<Record<string, number>>>>} Placement
 */

/** @typedef {'wasm' | 'webgpu' | 'webgl' | 'webnn'} Backend */
/** @typedef {'cpu' | 'gpu' | 'npu'} DeviceType */
/** @typedef {'agreement' | 'limit' | 'count'} WarmupEnd */
/** @typedef {'iterations' | 'precision' | 'time_budget' | 'user' | 'error'} StoppedBy */
/** @typedef {'onnxruntime-web' | 'fake'} RuntimeName */

/**
 * One measurement, whole. A failure is a Run too: it has an error instead of samples.
 * @typedef {object} Run
 * @property {2} schema_version
 * @property {string} run_id
 * @property {string} started_at
 * @property {string} page_version
 * @property {RuntimeName} runtime
 * @property {string} runtime_version
 * @property {string} model
 * @property {string} variant
 * @property {string} model_sha256
 * @property {number} model_bytes
 * @property {'pretrained' | 'seeded'} weights
 * @property {Backend} backend
 * @property {DeviceType | null} device_type What WebNN was asked for.
 * @property {number} threads_requested
 * @property {number} threads
 * @property {number} iterations_requested
 * @property {number} min_time_s
 * @property {number | null} precision
 * @property {number} warmup_iterations
 * @property {WarmupEnd | null} warmup_ended_by
 * @property {number} time_budget_s
 * @property {StoppedBy} stopped_by
 * @property {number | null} download_ms
 * @property {boolean | null} download_cached
 * @property {number | null} runtime_ms
 * @property {number | null} session_ms
 * @property {number | null} first_ms
 * @property {readonly Sample[]} samples
 * @property {readonly EndToEnd[]} end_to_end
 * @property {Verification | null} verification
 * @property {Verification | null} final_check
 * @property {Placement | null} placement Looked up after the timing, on WebAssembly only with placement=1; null: not looked up (or the
 *     run ended before), or it could not be read.
 * @property {Order | null} order
 * @property {Conditions | null} conditions
 * @property {readonly RunWarning[]} warnings
 * @property {Failure | null} error
 * @property {Device} device
 * @property {string | null} fleet_id
 * @property {number | null} clock_offset_s By how much this device's clock is ahead of the server's.
 */

export {};
