/**
 * The nouns of the page, in the order the data meets them: settings, choice, job, session, samples.
 *
 * What models/manifest.json holds is in manifest_types.js, what is posted to /api/runs in run_types.js. What only the page knows is in
 * camelCase. A value is never changed once made.
 */

/** @import { ModelEntry, OutputEntry, VariantEntry, Verification } from './manifest_types.js' */
/** @import { Backend, DeviceType, EndToEnd, Failure, Placement, RuntimeName, Sample, Stage, StoppedBy, WarmupEnd } from './run_types.js' */

/**
 * GET /api/config, and what its coming told.
 * @typedef {object} Config
 * @property {string} page_version
 * @property {{version: string, base: string}} onnxruntime_web
 * @property {readonly RuntimeName[]} runtimes
 * @property {number} clock_offset_s By how much this device's clock is ahead of the server's.
 */

/**
 * What the URL asked for, checked. Null leaves the choice to the page.
 * @typedef {object} Settings
 * @property {boolean} autorun
 * @property {readonly string[] | null} models
 * @property {readonly string[] | null} backends
 * @property {Preset | null} preset Null: numbers of one's own.
 * @property {number} iterations
 * @property {number} minTimeS Samples are taken over so much time at least.
 * @property {number | null} precision Samples are taken until the median's 95 % interval is narrower than this share of it.
 * @property {string | null} deviceName
 * @property {number} timeBudgetS What a run's first inference, warm-up and samples may take together.
 * @property {number | null} warmup So many inferences; null until consecutive windows agree.
 * @property {number} endToEnd How often a photograph is taken from its pixels to what is in it.
 * @property {number} repeat How many runs each model gets on each backend.
 * @property {'interleaved' | 'sequential'} order
 * @property {number | null} seed Of the order; null draws one.
 * @property {number} timeoutS Silence of a worker, in seconds, after which it is given up.
 * @property {boolean} placement Whether the runtime logs where nodes run from the first session on, and all references are proven.
 * @property {boolean} profile Whether to profile operators instead of timing.
 * @property {string | null} deviceId Who drives this page says which device it is; null: what this browser remembers.
 * @property {string | null} fleetId The fleet that opened this page.
 * @property {string | null} emulated What a driver made this browser pretend to be.
 * @property {boolean} report Whether the page tells the server how far it is.
 * @property {RuntimeName} runtime
 * @property {FakeScript} fake
 */

/** @typedef {'quick' | 'standard' | 'thorough'} Preset */

/**
 * What goes wrong in the fake runtime. `oom`: memory runs out; `backwards`: the clock steps back by a second; `stopped`: it stands still
 * from then on.
 * @typedef {'wrong' | 'nan' | 'infinity' | 'shape' | 'throw' | 'hang' | 'crash' | 'oom' | 'backwards' | 'stopped'} FakeFault
 */

/**
 * What runtimes/fake.js does, anew in each worker. Inferences are counted from 0: the first one, then warm-up, then samples; with other
 * runs in between, one that is thrown away begins each round.
 * @typedef {object} FakeScript
 * @property {number} session_ms How long creating a session takes, on the fake's clock.
 * @property {readonly number[]} durations_ms How long each inference takes, on the fake's clock; begun again when used up.
 * @property {number} pace_ms How long each inference takes on the wall, which the fake's clock does not see.
 * @property {Readonly<Record<string, FakeFault>>} faults By inference number, or "runtime", "session" or "placement".
 * @property {Placement | null} placement Where a GPU backend's nodes are said to run; null: all on that backend.
 */

/**
 * What to time, chosen in the form or the URL.
 * @typedef {object} Choice
 * @property {readonly string[]} models
 * @property {readonly string[]} backends
 * @property {number} iterations
 * @property {number} minTimeS
 * @property {number | null} precision
 * @property {number} timeBudgetS
 * @property {string} deviceName
 * @property {boolean} [evenStopped] Whether to run also what is predicted to stop: the URL named it.
 */

/**
 * A backend as the form shows it. `blocked` says why it cannot run here, else null.
 * @typedef {object} BackendOption
 * @property {string} value wasm, wasm-N, webgpu, webgl, webnn-cpu, webnn-gpu or webnn-npu.
 * @property {Backend} backend
 * @property {DeviceType | null} deviceType Of WebNN.
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
 * How one run is to be measured, whatever it is that runs.
 * @typedef {object} Asked
 * @property {Backend} backend
 * @property {DeviceType | null} deviceType
 * @property {number} threads
 * @property {number} iterations
 * @property {number} minTimeS
 * @property {number | null} precision
 * @property {number | null} warmup
 * @property {number} timeBudgetS
 * @property {number} endToEnd
 * @property {boolean} placement
 * @property {RuntimeName} runtime
 * @property {{version: string, base: string}} onnxruntimeWeb
 * @property {FakeScript} fake
 */

/**
 * All that a worker needs to know for one run of the zoo.
 * @typedef {Asked & {model: ModelEntry, variant: VariantEntry}} Job
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

/**
 * `placement`: log from the start where nodes run, which slows the session down.
 * @typedef {{backend: Backend, deviceType?: DeviceType | null, threads: number, outputs: readonly OutputEntry[], placement: boolean,
 *   unoptimised?: boolean}} SessionOptions
 */

/**
 * One way to run a model. Its clock is its own, so that the fake's can be scripted.
 * @template Feeds
 * @typedef {object} Runtime
 * @property {RuntimeName} name
 * @property {string} version
 * @property {() => number} now Milliseconds.
 * @property {(bytes: Uint8Array, options: SessionOptions) => Promise<Session<Feeds>>} createSession
 * @property {((bytes: Uint8Array, options: SessionOptions) => Promise<Placement | null>) | null} placementOf Where a second session, made
 *   for that alone once the timed one is released, puts its nodes; null: all of them where they were asked to be.
 */

/**
 * Has a runtime fetched, compiled and started; tells meanwhile how many bytes of how many (null: not known) have come, and why nothing
 * comes at the moment.
 * @template Feeds
 * @typedef {(onBytes: (done: number, total: number | null, waiting: string | null) => void) => Promise<Runtime<Feeds>>} LoadRuntime
 */

/**
 * What a worker measured, so far or in the end: the part of a Run that is not known before. `hashed` tells whether the model's
 * SHA-256 could be checked in this browser. `end_to_end_failure` tells why what follows the samples was given up; `end_to_end_hidden`,
 * that its times were dropped because the page was hidden. These three become warnings of the Run.
 * @typedef {object} Measurement
 * @property {string} runtime_version
 * @property {number} threads
 * @property {number} warmup_iterations
 * @property {WarmupEnd | null} warmup_ended_by
 * @property {StoppedBy} stopped_by
 * @property {number | null} download_ms
 * @property {boolean | null} download_cached
 * @property {boolean | null} hashed
 * @property {number | null} runtime_ms
 * @property {number | null} session_ms
 * @property {number | null} first_ms
 * @property {readonly Sample[]} samples
 * @property {readonly EndToEnd[]} end_to_end
 * @property {string | null} end_to_end_failure
 * @property {boolean} end_to_end_hidden
 * @property {Verification | null} verification
 * @property {Verification | null} final_check
 * @property {Placement | null} placement
 * @property {Failure | null} error
 */

/**
 * How far a run is. `done` and `total` count bytes while downloading (the model, or the runtime), inferences in warm-up and sampling,
 * and are 0 elsewhere. `total` is 0 too where it is not known beforehand: a warm-up until windows agree. In sampling it is how many
 * there will be at the present pace, which can change. `samples` are those taken since the last message; a warm-up begins them anew.
 * @typedef {object} Progress
 * @property {Stage} stage
 * @property {number} done
 * @property {number} total
 * @property {readonly Sample[]} samples
 * @property {string | null} [waiting] Why nothing comes at the moment.
 */

/**
 * One round: until the run has `samples` samples over `ms` milliseconds in all. `settle`: one inference that is thrown away comes
 * first, because others ran meanwhile.
 * @typedef {{round: number, samples: number, ms: number, settle: boolean}} Round
 */

/**
 * What the page asks of a worker, one thing at a time. `prepare`: download, session, first inference, verification, warm-up. `take`:
 * one round, and a check of its last outputs. `restart`: forget the samples and warm up again (the page was hidden). `finish`: end to
 * end, release, placement.
 * @typedef {{kind: 'prepare', job: Job} | LaterOrder} WorkerOrder
 */

/** @typedef {({kind: 'take'} & Round) | {kind: 'restart'} | {kind: 'finish', stoppedBy: StoppedBy}} LaterOrder What follows `prepare`. */

/**
 * What a worker tells. `alive` as soon as its script runs; `done` ends an order: `measured` then holds what is proven so far, and an
 * error if the run has failed.
 * @typedef {{kind: 'alive'} | {kind: 'progress', progress: Progress, measured: Measurement} | {kind: 'done', measured: Measurement}} WorkerMessage
 */

/**
 * Mean, sample standard deviation, median, 95th percentile, extremes and the median's 95 % interval of a run's samples. Null is "not known", never 0.
 * @typedef {object} Summary
 * @property {number} n
 * @property {number | null} mean_ms
 * @property {number | null} sd_ms
 * @property {number | null} median_ms
 * @property {number | null} p95_ms
 * @property {number | null} min_ms
 * @property {number | null} max_ms
 * @property {number | null} median_low_ms
 * @property {number | null} median_high_ms
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
