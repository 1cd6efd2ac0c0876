/**
 * What models/manifest.json holds.
 *
 * The types mirror builder/records.py field by field, snake_case names and units included; tests/web/test_types.py compares the two.
 * A value is never changed once made.
 */

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
 * @property {'bilinear' | 'bicubic'} interpolation
 * @property {number} divisor
 * @property {[number, number, number]} mean
 * @property {[number, number, number]} std
 */

/**
 * The graph's one input. `preprocessing` makes it (1, 3, H, W) from an RGB image; null where the input is no image.
 * @typedef {object} InputEntry
 * @property {string} name
 * @property {readonly number[]} shape
 * @property {'float32'} dtype
 * @property {Preprocessing | null} preprocessing
 */

/**
 * One output of the graph, in the graph's order. A side that is null depends on the data, and may come out as 0.
 * @typedef {object} OutputEntry
 * @property {string} name
 * @property {readonly (number | null)[]} shape
 * @property {'float32' | 'int64'} dtype
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
 * @property {'softmax' | 'sigmoid'} score_activation
 * @property {number | null} max_log_size Greater size offsets count as this.
 * @property {boolean} clip Whether boxes are cut to the image, before suppression.
 * @property {number} score_threshold
 * @property {number} iou_threshold
 * @property {boolean} suppress_at_threshold
 * @property {number} candidates_per_class
 * @property {number} max_detections
 */

/**
 * Detection inside the graph, N rows in each of three outputs: boxes (N, 4) left, top, right, bottom in pixels of the input; labels
 * (N,), never 0, the background; scores (N,). N may be 0.
 * @typedef {object} Boxes
 * @property {'boxes'} kind
 * @property {string} boxes_output
 * @property {string} labels_output
 * @property {string} scores_output
 */

/**
 * Nothing is known of what the outputs mean: they are compared number by number.
 * @typedef {object} Raw
 * @property {'raw'} kind
 */

/** @typedef {TopK | Ssd | Boxes | Raw} Postprocessing */

/**
 * |actual - reference| must nowhere exceed `atol` + `rtol` x |reference|.
 * @typedef {object} Tolerance
 * @property {string} output
 * @property {number} atol
 * @property {number} rtol
 * @property {string} reason
 */

/**
 * How far one output was from eager PyTorch in fp32. The differences are null where nothing can be compared: another shape or type,
 * NaN or infinity, a detection of `Boxes` without a partner. `tolerance_used` is the greatest share of the tolerance that was needed; 1
 * is the limit.
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
 * The task's own measure: how many of the `expected` results were found, one to one; for `Raw` how many numbers are within tolerance.
 * @typedef {object} TaskVerification
 * @property {'top_5' | 'detections' | 'elements'} measure
 * @property {number} expected
 * @property {number} actual
 * @property {number} matched
 * @property {boolean} passed
 */

/**
 * Outputs of one runtime for one reference input, compared with the reference's.
 * @typedef {object} Verification
 * @property {string} reference
 * @property {string} runtime
 * @property {readonly OutputVerification[]} outputs
 * @property {TaskVerification} task
 * @property {boolean} passed
 */

/**
 * A safetensors file with the input and the reference outputs, under the graph's own names.
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
 * @property {number | null} bytes
 * @property {string} licence
 * @property {string} citation
 */

/** @typedef {'wasm' | 'webgpu' | 'webgl' | 'webnn'} BackendName */
/** @typedef {'runs' | 'falls_back' | 'stops'} SupportStatus */
/** @typedef {Readonly<Record<string, number>>} OperatorCounts */

/**
 * Why a backend cannot run a file: `count` nodes of `operator`, or the file as a whole where `operator` is null.
 * @typedef {object} Blocker
 * @property {string | null} operator
 * @property {number} count
 * @property {string} reason
 */

/**
 * What the builder says of one file on one backend, before anything is run. `fallback` counts the nodes that run in WebAssembly instead.
 * @typedef {object} BackendSupport
 * @property {BackendName} backend
 * @property {SupportStatus} status
 * @property {OperatorCounts} fallback
 * @property {readonly Blocker[]} blockers
 * @property {readonly string[]} caveats
 */

/**
 * What a browser really did with one file. `fallback` is null where it did not say, `message` why it stopped, else null.
 * @typedef {object} Observation
 * @property {string} browser
 * @property {string} browser_version
 * @property {string} runtime_version
 * @property {BackendName} backend
 * @property {SupportStatus} status
 * @property {OperatorCounts | null} fallback
 * @property {Verification | null} verification
 * @property {string | null} message
 */

/**
 * One ONNX file of a model. `macs`: multiply-accumulate operations of one inference.
 * @typedef {object} VariantEntry
 * @property {string} path
 * @property {string} sha256
 * @property {number} bytes
 * @property {string} name
 * @property {number} opset
 * @property {number} ir_version
 * @property {OperatorCounts} operators
 * @property {number} macs
 * @property {readonly BackendSupport[]} support
 * @property {readonly Observation[]} observations
 * @property {readonly Tolerance[]} tolerances
 * @property {readonly Verification[]} verifications
 */

/**
 * Everything that anybody outside the builder needs to know of one model.
 * @typedef {object} ModelEntry
 * @property {string} id
 * @property {string} title
 * @property {'classification' | 'detection' | 'other'} task
 * @property {InputEntry} input
 * @property {readonly OutputEntry[]} outputs
 * @property {FileEntry} labels
 * @property {Postprocessing} postprocessing
 * @property {number} parameters
 * @property {WeightsEntry} weights
 * @property {string} reference_runtime What made the reference outputs.
 * @property {readonly ReferenceEntry[]} references
 * @property {readonly VariantEntry[]} variants
 * @property {string} build_key
 * @property {number} build_seconds
 * @property {Readonly<Record<string, string>>} tools Versions by package.
 */

/**
 * models/manifest.json.
 * @typedef {object} Manifest
 * @property {2} schema_version
 * @property {readonly ModelEntry[]} models
 */

export {};
