/**
 * The nouns of the page, in the order the data meets them: manifest, settings, job, session, samples, run.
 *
 * Types whose names also stand in builder/records.py or timings/records.py mirror them field by field, snake_case names and units
 * included; tests/web/test_types.py compares the two. What only the page knows is in camelCase. A value is never changed once made.
 */

// ---- builder/records.py: what models/manifest.json holds ----

/**
 * A file in the models folder; `path` is relative to that folder.
 * @typedef {object} FileEntry
 * @property {string} path
 * @property {string} sha256
 * @property {number} bytes
 */

/**
 * From an RGB image of 8 bits a channel to the input tensor.
 * @typedef {object} Preprocessing
 * @property {'shorter_side' | 'stretch'} resize
 * @property {number | null} size
 * @property {number} divisor
 * @property {[number, number, number]} mean
 * @property {[number, number, number]} std
 */

/**
 * The graph's one input: NCHW, float32, RGB.
 * @typedef {object} InputEntry
 * @property {string} name
 * @property {readonly number[]} shape
 * @property {'float32'} dtype
 * @property {Preprocessing} preprocessing
 */

/**
 * One output of the graph, in the graph's order.
 * @typedef {object} OutputEntry
 * @property {string} name
 * @property {readonly number[]} shape
 * @property {'float32'} dtype
 */

/**
 * Classification: the `k` greatest logits, the lower class index first where two are equal.
 * @typedef {object} TopK
 * @property {'top_k'} kind
 * @property {number} k
 */

/**
 * Detection: how raw head outputs become boxes; detection.js reads it.
 * @typedef {object} Ssd
 * @property {'ssd'} kind
 * @property {FileEntry} priors
 * @property {string} locations_output
 * @property {string} scores_output
 * @property {'prior_major' | 'channel_major'} layout
 * @property {number} centre_variance
 * @property {number} size_variance
 * @property {number} score_threshold
 * @property {number} iou_threshold
 * @property {boolean} suppress_at_threshold
 * @property {number} candidates_per_class
 * @property {number} max_detections
 */

/** @typedef {TopK | Ssd} Postprocessing */

/**
 * |actual - reference| must nowhere exceed `atol` + `rtol` x |reference|.
 * @typedef {object} Tolerance
 * @property {string} output
 * @property {number} atol
 * @property {number} rtol
 * @property {string} reason
 */

/**
 * How far one output was from eager PyTorch in fp32. The differences are null where nothing can be compared: another shape, NaN or
 * infinity. `tolerance_used` is the greatest share of the tolerance that was needed; 1 is the limit.
 * @typedef {object} OutputVerification
 * @property {string} output
 * @property {number | null} max_abs_diff
 * @property {number | null} max_rel_diff
 * @property {number | null} tolerance_used
 * @property {number} atol
 * @property {number} rtol
 * @property {boolean} passed
 */

/**
 * The task's own measure: how many of the `expected` results were found, one to one.
 * @typedef {object} TaskVerification
 * @property {'top_5' | 'detections'} measure
 * @property {number} expected
 * @property {number} actual
 * @property {number} matched
 * @property {boolean} passed
 */

/**
 * Outputs of one runtime for one reference input, compared with eager PyTorch in fp32.
 * @typedef {object} Verification
 * @property {string} reference
 * @property {string} runtime
 * @property {readonly OutputVerification[]} outputs
 * @property {TaskVerification} task
 * @property {boolean} passed
 */

/**
 * A safetensors file with the input and PyTorch's outputs, under the graph's own names.
 * @typedef {object} ReferenceEntry
 * @property {string} path
 * @property {string} sha256
 * @property {number} bytes
 * @property {string} name
 */

/**
 * Where the weights came from.
 * @typedef {object} WeightsEntry
 * @property {'pretrained' | 'seeded'} kind
 * @property {string} origin
 * @property {string | null} sha256
 * @property {string} licence
 * @property {string} citation
 */

/**
 * One ONNX file of a model.
 * @typedef {object} VariantEntry
 * @property {string} path
 * @property {string} sha256
 * @property {number} bytes
 * @property {string} name
 * @property {number} opset
 * @property {number} ir_version
 * @property {readonly Tolerance[]} tolerances
 * @property {readonly Verification[]} verifications
 */

/**
 * Everything that anybody outside the builder needs to know of one model.
 * @typedef {object} ModelEntry
 * @property {string} id
 * @property {string} title
 * @property {'classification' | 'detection'} task
 * @property {InputEntry} input
 * @property {readonly OutputEntry[]} outputs
 * @property {FileEntry} labels
 * @property {Postprocessing} postprocessing
 * @property {number} parameters
 * @property {WeightsEntry} weights
 * @property {readonly ReferenceEntry[]} references
 * @property {readonly VariantEntry[]} variants
 * @property {string} build_key
 */

/**
 * models/manifest.json.
 * @typedef {object} Manifest
 * @property {1} schema_version
 * @property {Readonly<Record<string, string>>} tools
 * @property {readonly ModelEntry[]} models
 */

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
 * @property {RuntimeName} runtime
 * @property {{version: string, base: string}} onnxruntimeWeb
 * @property {FakeScript} fake
 */

/**
 * Numbers with their dimensions, in CPU memory.
 * @typedef {object} Tensor
 * @property {Float32Array} data
 * @property {readonly number[]} dims
 */

/** @typedef {Readonly<Record<string, Tensor>>} Tensors */

/**
 * A model that is ready to run. `prepare` is called outside the clock, `run` inside it; `run` is over when the outputs are in CPU memory.
 * @template Feeds
 * @typedef {object} Session
 * @property {number} threads How many threads it really got.
 * @property {(inputs: Tensors) => Feeds} prepare
 * @property {(feeds: Feeds) => Promise<Tensors>} run
 * @property {() => Promise<void>} release
 */

/** @typedef {{backend: Backend, threads: number, outputs: readonly OutputEntry[]}} SessionOptions */

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
 * One thing found in an image. `box` is x1, y1, x2, y2 as fractions of the image, `prior` the prior box that it came from.
 * @typedef {object} Detection
 * @property {number} class_index
 * @property {number} score
 * @property {readonly [number, number, number, number]} box
 * @property {number} prior
 */

export {};
