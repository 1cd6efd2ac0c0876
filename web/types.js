/**
 * The nouns of the page: the run that it posts, then, in the order the data meets them, settings, job, session, samples.
 *
 * What models/manifest.json holds is in manifest_types.js. Types whose names also stand in timings/records.py mirror them field by
 * field, snake_case names and units included; tests/web/test_types.py compares the two. What only the page knows is in camelCase. A
 * value is never changed once made.
 */

/** @import { ModelEntry, OutputEntry, VariantEntry, Verification } from './manifest_types.js' */

// ---- timings/records.py: what is posted to /api/runs ----

/** @typedef {'start' | 'download' | 'session' | 'first_inference' | 'verification' | 'warm_up' | 'sampling' | 'final_check'} Stage */

/**
 * One timed inference. `start_ms` counts from the first sample's start.
 * @typedef {object} Sample
 * @property {number} start_ms
 * @property {number} duration_ms
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
 */

/**
 * How the runtime placed a model's nodes: how many of each operator on each backend, after its own fusions.
 * @typedef {Readonly<Record<string, Readonly<Record<string, number>>>>} Placement
 */

/** @typedef {'wasm' | 'webgpu'} Backend */
/** @typedef {'onnxruntime-web' | 'fake'} RuntimeName */

/**
 * One measurement, whole. A failure is a Run too: it has an error instead of samples.
 * @typedef {object} Run
 * @property {1} schema_version
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
 * @property {number} threads
 * @property {number} iterations_requested
 * @property {number} warmup_iterations
 * @property {number} time_budget_s
 * @property {'iterations' | 'time_budget' | 'error'} stopped_by
 * @property {number | null} download_ms
 * @property {boolean | null} download_cached
 * @property {number | null} session_ms
 * @property {number | null} first_ms
 * @property {readonly Sample[]} samples
 * @property {Verification | null} verification
 * @property {Verification | null} final_check
 * @property {Placement | null} placement Null unless it was asked for and could be read.
 * @property {readonly RunWarning[]} warnings
 * @property {Failure | null} error
 * @property {Device} device
 */

// ---- what only the page knows ----

/**
 * GET /api/config.
 * @typedef {object} Config
 * @property {string} page_version
 * @property {{version: string, base: string}} onnxruntime_web
 * @property {readonly RuntimeName[]} runtimes
 */

/**
 * What the URL asked for, checked. Null leaves the choice to the page.
 * @typedef {object} Settings
 * @property {boolean} autorun
 * @property {readonly string[] | null} models
 * @property {readonly string[] | null} backends
 * @property {number} iterations
 * @property {string | null} deviceName
 * @property {number} timeBudgetS
 * @property {number} warmup
 * @property {number} timeoutS Silence of a worker, in seconds, after which it is given up.
 * @property {boolean} placement Whether the runtime is to tell where nodes run, which costs time.
 * @property {RuntimeName} runtime
 * @property {FakeScript} fake
 */

/** @typedef {'wrong' | 'nan' | 'infinity' | 'shape' | 'throw' | 'hang' | 'crash'} FakeFault */

/**
 * What runtimes/fake.js does. Inferences are counted from 0: the first one, then warm-up, then samples.
 * @typedef {object} FakeScript
 * @property {number} session_ms How long creating a session takes, on the fake's clock.
 * @property {readonly number[]} durations_ms How long each inference takes, on the fake's clock; begun again when used up.
 * @property {number} pace_ms How long each inference takes on the wall, which the fake's clock does not see.
 * @property {Readonly<Record<string, FakeFault>>} faults By inference number, or "session".
 */

/**
 * What to time, chosen in the form or the URL.
 * @typedef {object} Choice
 * @property {readonly string[]} models
 * @property {readonly string[]} backends
 * @property {number} iterations
 * @property {string} deviceName
 * @property {boolean} [evenStopped] Whether to run also what is predicted to stop: the URL named it.
 */

/**
 * A backend as the form shows it. `blocked` says why it cannot run here, else null.
 * @typedef {object} BackendOption
 * @property {string} value wasm, wasm-N or webgpu.
 * @property {Backend} backend
 * @property {number} threads
 * @property {string} title
 * @property {string} note
 * @property {string | null} blocked
 * @property {boolean} chosenByDefault
 */

/**
 * One model, variant and backend to be timed.
 * @typedef {object} PlannedRun
 * @property {ModelEntry} model
 * @property {VariantEntry} variant
 * @property {BackendOption} option
 */

/**
 * All that a worker needs to know for one run.
 * @typedef {object} Job
 * @property {ModelEntry} model
 * @property {VariantEntry} variant
 * @property {Backend} backend
 * @property {number} threads
 * @property {number} iterations
 * @property {number} warmup
 * @property {number} timeBudgetS
 * @property {boolean} placement
 * @property {RuntimeName} runtime
 * @property {{version: string, base: string}} onnxruntimeWeb
 * @property {FakeScript} fake
 */

/**
 * Numbers with their dimensions, in CPU memory: float32 in a Float32Array, int64 in a Float64Array, which holds each exactly or is not made.
 * @typedef {object} Tensor
 * @property {Float32Array | Float64Array} data
 * @property {readonly number[]} dims
 */

/** @typedef {Readonly<Record<string, Tensor>>} Tensors */

/**
 * Numbers as a runtime takes and gives them, in CPU memory, in an array of their own type; float32 where no type is named.
 * @typedef {Readonly<Record<string, {type?: string, dims: readonly number[], data: any}>>} RawTensors any: one of a dozen kinds of arrays
 */

/**
 * A model that is ready to run. `prepare` and `read` are called outside the clock, `run` inside it; `run` is over when the outputs are
 * in CPU memory.
 * @template Feeds
 * @typedef {object} Session
 * @property {number} threads How many threads it really got.
 * @property {(inputs: RawTensors) => Feeds} prepare
 * @property {(feeds: Feeds) => Promise<RawTensors>} run
 * @property {(outputs: RawTensors) => Tensors} read Throws a ZooError for numbers that are neither float32 nor int64 below 2**53.
 * @property {() => Promise<void>} release
 * @property {Placement | null} placement Null unless it was asked for and could be read.
 */

/** @typedef {{backend: Backend, threads: number, outputs: readonly OutputEntry[], placement: boolean, unoptimised?: boolean}} SessionOptions */

/**
 * One way to run a model. Its clock is its own, so that the fake's can be scripted.
 * @template Feeds
 * @typedef {object} Runtime
 * @property {RuntimeName} name
 * @property {string} version
 * @property {() => number} now Milliseconds.
 * @property {(bytes: Uint8Array, options: SessionOptions) => Promise<Session<Feeds>>} createSession
 */

/**
 * What a worker measured, so far or in the end: the part of a Run that is not known before. `hashed` tells whether the model's
 * SHA-256 could be checked in this browser.
 * @typedef {object} Measurement
 * @property {string} runtime_version
 * @property {number} threads
 * @property {number} warmup_iterations
 * @property {'iterations' | 'time_budget' | 'error'} stopped_by
 * @property {number | null} download_ms
 * @property {boolean | null} download_cached
 * @property {boolean | null} hashed
 * @property {number | null} session_ms
 * @property {number | null} first_ms
 * @property {readonly Sample[]} samples
 * @property {Verification | null} verification
 * @property {Verification | null} final_check
 * @property {Placement | null} placement
 * @property {Failure | null} error
 */

/**
 * How far a run is. `done` and `total` count bytes while downloading, inferences in warm-up and sampling, and are 0 elsewhere.
 * `samples` are those taken since the last message.
 * @typedef {object} Progress
 * @property {Stage} stage
 * @property {number} done
 * @property {number} total
 * @property {readonly Sample[]} samples
 */

/** @typedef {{kind: 'progress', progress: Progress, measured: Measurement} | {kind: 'finished', measured: Measurement}} WorkerMessage */

/**
 * Mean, sample standard deviation, median, 95th percentile and extremes of a run's samples. Null is "not known", never 0.
 * @typedef {object} Summary
 * @property {number} n
 * @property {number | null} mean_ms
 * @property {number | null} sd_ms
 * @property {number | null} median_ms
 * @property {number | null} p95_ms
 * @property {number | null} min_ms
 * @property {number | null} max_ms
 */

/**
 * One thing found in an image. `box` is x1, y1, x2, y2 as fractions of the image, `prior` the prior box that it came from; where the
 * graph itself gives detections, `box` is in pixels of the input and `prior` the row.
 * @typedef {object} Detection
 * @property {number} class_index
 * @property {number} score
 * @property {readonly [number, number, number, number]} box
 * @property {number} prior
 */

export {};
