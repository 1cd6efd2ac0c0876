"""The nouns of measurement: a Run and what is inside it, as the page posts them and as the store keeps them.

One model, one variant, one backend, one device, one time. A failure is a Run too: it has an error instead of samples. Units are
in the names. The same names stand in JSON, SQL, CSV and web/run_types.js.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from builder.records import Identifier, NonNegative, Record, Sha256, Verification, WeightsKind


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment within the years 1 to 9999 in UTC was expected") from error


Text = Annotated[str, StringConstraints(max_length=1000)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
# Ten weeks: far above any time budget, and small enough that no sum or square of 10,000 of them overflows.
Milliseconds = Annotated[float, Field(ge=0, le=6e9)]
# Nodes by operator; "*" stands for all operators where the runtime tells only how many nodes there are.
NodeCounts = Annotated[dict[ShortText, Annotated[int, Field(gt=0, le=1_000_000)]], Field(max_length=1000)]
# A clock that says the year 1970 or 9999 is an offset too.
ClockOffset = Annotated[float, Field(ge=-1e12, le=1e12)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]

Backend = Literal["wasm", "webgpu", "webgl", "webnn"]
Stage = Literal[
    "start",
    "download",
    "runtime",
    "session",
    "first_inference",
    "verification",
    "warm_up",
    "sampling",
    "final_check",
    "end_to_end",
    "placement",
]


class Sample(Record):
    """One timed inference: from calling the runtime until the outputs are in CPU memory. `start_ms` counts from the first sample's start.

    `round`: samples are taken in rounds, counted from 1, with the rounds of other runs of the same batch between them.
    """

    start_ms: Milliseconds
    duration_ms: Milliseconds
    round: Annotated[int, Field(ge=1, le=10_000)] = 1


class EndToEnd(Record):
    """One way of a photograph's pixels to what is in it: preprocessing, inference, post-processing, one after another."""

    preprocess_ms: Milliseconds
    inference_ms: Milliseconds
    postprocess_ms: Milliseconds


class Order(Record):
    """Where a run stood among those of one press of the button.

    batch_id: the same for all of them. mode: "alone", "interleaved" (its rounds took turns with other runs'), or "sequential" (one run
    after another; `reason` says why). seed: what the order was shuffled with. position: from 1, in that order, of `runs`. block: from
    1; runs of the same block were in memory together and, if interleaved, took turns.
    """

    batch_id: Uuid
    mode: Literal["alone", "interleaved", "sequential"]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    position: Annotated[int, Field(ge=1, le=100_000)]
    runs: Annotated[int, Field(ge=1, le=100_000)]
    block: Annotated[int, Field(ge=1, le=100_000)] = 1
    reason: Text | None

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Order:
        if self.position > self.runs:
            raise ValueError(f"position must be one of the {self.runs} runs")
        return self


class Calibration(Record):
    """A loop of plain arithmetic, run in `workers` threads at once while nothing else of the page runs.

    loop_ms: the fastest pass of all. lost_share: the share of the time that the median worker lost to something else.
    """

    workers: Annotated[int, Field(ge=1, le=4096)]
    loop_ms: Milliseconds
    lost_share: Annotated[float, Field(ge=0, le=1)]


class Conditions(Record):
    """What the device was doing while it measured. Null is 'not told by this browser', or 'not measured'.

    times_hidden: how often the page was hidden; repeats: how often the run began again because of that.
    """

    times_hidden: Count
    repeats: Count
    wake_lock: Literal["held", "refused", "unsupported"]
    battery_level: Annotated[float, Field(ge=0, le=1)] | None
    battery_charging: bool | None
    calibration_before: Calibration | None
    calibration_after: Calibration | None


class Failure(Record):
    """What ended a run without a timing, and at which stage."""

    stage: Stage
    message: Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class RunWarning(Record):
    """A doubt about the measurement, kept beside it. `code` is for grep, `message` for people."""

    code: Identifier
    message: Text


class Device(Record):
    """What the page could learn of the device and its browser. Null is 'not told by this browser'.

    emulated: what a driver made this browser pretend to be, in its own words; null for a device that is what it says.
    """

    device_id: Uuid
    device_name: ShortText
    user_agent: Text
    browser: Text
    browser_version: Text
    platform: Text
    platform_version: Text | None
    architecture: Text | None
    device_model: Text | None
    mobile: bool | None
    cores: Annotated[int, Field(gt=0, le=4096)] | None
    memory_gb: NonNegative | None
    gpu_vendor: Text | None
    gpu_architecture: Text | None
    gpu_description: Text | None
    gpu_software: bool | None
    screen_width: Count
    screen_height: Count
    pixel_ratio: NonNegative
    secure_context: bool
    cross_origin_isolated: bool
    timer_step_ms: Milliseconds
    wasm_simd: bool
    wasm_relaxed_simd: bool
    wasm_threads: bool
    engine: Text | None = None
    engine_version: Text | None = None
    bitness: Text | None = None
    wow64: bool | None = None
    form_factor: Text | None = None
    gpu_fallback_adapter: bool | None = None
    webgl_renderer: Text | None = None
    emulated: ShortText | None = None


class Run(Record):
    """One measurement, whole.

    schema_version: 1 is what pages up to version 0.2.0 posted; what it did not know yet is null.
    device_type: what WebNN was asked for. threads_requested, threads: for WebAssembly, what was asked for and what ran.
    iterations_requested, min_time_s, precision: samples were taken until there were so many, over so much time, and until the 95 %
        interval of the median was narrower than that share of it (null: whatever its width).
    warmup_ended_by: "agreement" of consecutive windows, a "limit", or "count": as many as were asked for.
    download_ms: fetching the model's bytes, null if it never finished; download_cached: whether the browser's cache had them.
    runtime_ms: fetching the runtime's script and WebAssembly and starting it; session_ms: creating the model's
        session; first_ms: the first inference (WebGPU compiles its shaders there).
    samples: the timed inferences in the order taken; empty when there is an error.
    stopped_by: what ended the sampling; "time_budget" and "user" mean less than was asked for.
    end_to_end: from a photograph's pixels to classes or boxes; empty where the network does not start from a picture.
    placement: how many nodes of each operator the runtime placed on each backend, after its own fusions and with the copies that it
        added. Looked up in a session of its own after the timing, for every backend but WebAssembly; with placement=1 in the page's
        address, in the timed session, for WebAssembly too. Null where it was not looked up, or could not be read.
    verification: the first inference's outputs against PyTorch's; final_check: the last timed inference's outputs, likewise (every
        round's last outputs are checked as well: a round that fails fails the run).
    fleet_id: the fleet that opened the page, if one did.
    clock_offset_s: by how much the device's clock was ahead of the server's when the page was opened, below zero if behind;
        started_at is by the device's clock.
    """

    schema_version: Literal[1, 2]
    run_id: Uuid
    started_at: Moment
    page_version: ShortText
    runtime: Literal["onnxruntime-web", "fake"]
    runtime_version: ShortText
    model: Identifier
    variant: Identifier
    model_sha256: Sha256
    model_bytes: Annotated[int, Field(ge=0, le=2**31)]
    weights: WeightsKind
    backend: Backend
    device_type: Literal["cpu", "gpu", "npu"] | None = None
    threads_requested: Annotated[int, Field(ge=1, le=4096)] | None = None
    threads: Annotated[int, Field(ge=1, le=4096)]
    iterations_requested: Annotated[int, Field(ge=1, le=10_000)]
    min_time_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    precision: Annotated[float, Field(gt=0, le=1)] | None = None
    warmup_iterations: Count
    warmup_ended_by: Literal["agreement", "limit", "count"] | None = None
    time_budget_s: Annotated[float, Field(gt=0, le=86_400)]
    stopped_by: Literal["iterations", "precision", "time_budget", "user", "error"]
    download_ms: Milliseconds | None
    download_cached: bool | None
    runtime_ms: Milliseconds | None = None
    session_ms: Milliseconds | None
    first_ms: Milliseconds | None
    samples: Annotated[tuple[Sample, ...], Field(strict=False, max_length=10_000)]
    end_to_end: Annotated[tuple[EndToEnd, ...], Field(strict=False, max_length=10_000)] = ()
    verification: Verification | None
    final_check: Verification | None
    placement: dict[Backend, NodeCounts] | None = None
    order: Order | None = None
    conditions: Conditions | None = None
    warnings: Annotated[tuple[RunWarning, ...], Field(strict=False, max_length=50)]
    error: Failure | None
    device: Device
    fleet_id: Uuid | None = None
    clock_offset_s: ClockOffset | None = None

    @model_validator(mode="after")
    def _says_what_its_version_does(self) -> Run:
        if self.schema_version > 1 and (self.threads_requested is None or self.min_time_s is None):
            raise ValueError("threads_requested and min_time_s must be told from schema_version 2 on")
        if self.device_type is not None and self.backend != "webnn":
            raise ValueError("device_type is what WebNN was asked for, and null for every other backend")
        return self

    @model_validator(mode="after")
    def _samples_follow_one_another(self) -> Run:
        pairs = list(itertools.pairwise(self.samples))
        if any(after.start_ms < before.start_ms for before, after in pairs):
            raise ValueError("samples must be in the order taken: start_ms goes back")
        if any(after.round < before.round for before, after in pairs):
            raise ValueError("samples must be in the order taken: round goes back")
        return self

    @model_validator(mode="after")
    def _timing_needs_proof(self) -> Run:
        if self.error is None:
            if not self.samples:
                raise ValueError("a run without an error must have samples")
            # Pages of version 1 did not look.
            if self.schema_version > 1 and all(sample.duration_ms == 0 for sample in self.samples):
                raise ValueError("the clock did not move: of samples without an error, one at least must be over 0 ms")
            if self.verification is None or not self.verification.passed:
                raise ValueError("samples need a verification that passed: a timing is never kept without proof")
            if self.final_check is None or not self.final_check.passed:
                raise ValueError("samples need a final check that passed: a timing is never kept without proof")
        elif self.samples or self.end_to_end:
            raise ValueError("a run with an error must have no samples and no end_to_end: nothing proves them")
        return self

    @model_validator(mode="after")
    def _stop_fits(self) -> Run:
        if (self.stopped_by == "error") != (self.error is not None):
            raise ValueError("stopped_by must be 'error' exactly when there is an error")
        n = len(self.samples)
        took_enough = n >= self.iterations_requested
        if self.stopped_by in ("iterations", "precision") and not took_enough:
            raise ValueError(f"stopped_by '{self.stopped_by}' needs at least as many samples as were requested")
        if self.stopped_by == "precision" and self.precision is None:
            raise ValueError("stopped_by 'precision' needs a precision that was asked for")
        if self.stopped_by == "iterations" and self.min_time_s is None and n != self.iterations_requested:
            raise ValueError("stopped_by 'iterations' without a min_time_s needs as many samples as were requested")
        if self.stopped_by == "time_budget" and took_enough and self.precision is None and not self.min_time_s:
            raise ValueError("stopped_by 'time_budget' means less than was requested")
        return self
