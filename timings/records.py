"""The nouns of measurement: a Run and what is inside it, as the page posts them and as the store keeps them.

One model, one variant, one backend, one device, one time. A failure is a Run too: it has an error instead of samples. Units are
in the names. The same names stand in JSON, SQL, CSV and web/types.js.
"""

from __future__ import annotations

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
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]

Stage = Literal["start", "download", "session", "first_inference", "verification", "warm_up", "sampling", "final_check"]


class Sample(Record):
    """One timed inference: from calling the runtime until the outputs are in CPU memory. `start_ms` counts from the first sample's start."""

    start_ms: Milliseconds
    duration_ms: Milliseconds


class Failure(Record):
    """What ended a run without a timing, and at which stage."""

    stage: Stage
    message: Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class RunWarning(Record):
    """A doubt about the measurement, kept beside it. `code` is for grep, `message` for people."""

    code: Identifier
    message: Text


class Device(Record):
    """What the page could learn of the device and its browser. Null is 'not told by this browser'."""

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


class Run(Record):
    """One measurement, whole.

    download_ms: fetching the model's bytes, null if it never finished; download_cached: whether the browser's cache had them.
    session_ms: creating the session; first_ms: the first inference (WebGPU compiles its shaders there).
    samples: the timed inferences in the order taken; empty when there is an error.
    stopped_by: what ended the sampling; "time_budget" means fewer samples than asked for.
    placement: how many nodes of each operator the runtime placed on each backend, after its own fusions and with the copies that it
        added; asked for with placement=1 in the page's address; null where it was not asked for, or could not be read.
    verification: the first inference's outputs against PyTorch's; final_check: the last timed inference's outputs, likewise.
    """

    schema_version: Literal[1]
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
    backend: Literal["wasm", "webgpu"]
    threads: Annotated[int, Field(ge=1, le=4096)]
    iterations_requested: Annotated[int, Field(ge=1, le=10_000)]
    warmup_iterations: Count
    time_budget_s: Annotated[float, Field(gt=0, le=86_400)]
    stopped_by: Literal["iterations", "time_budget", "error"]
    download_ms: Milliseconds | None
    download_cached: bool | None
    session_ms: Milliseconds | None
    first_ms: Milliseconds | None
    samples: Annotated[tuple[Sample, ...], Field(strict=False, max_length=10_000)]
    verification: Verification | None
    final_check: Verification | None
    placement: dict[Literal["wasm", "webgpu"], NodeCounts] | None = None
    warnings: Annotated[tuple[RunWarning, ...], Field(strict=False, max_length=50)]
    error: Failure | None
    device: Device

    @model_validator(mode="after")
    def _timing_needs_proof(self) -> Run:
        if self.error is None:
            if not self.samples:
                raise ValueError("a run without an error must have samples")
            if self.verification is None or not self.verification.passed:
                raise ValueError("samples need a verification that passed: a timing is never kept without proof")
            if self.final_check is None or not self.final_check.passed:
                raise ValueError("samples need a final check that passed: a timing is never kept without proof")
        elif self.samples:
            raise ValueError("a run with an error must have no samples")
        return self

    @model_validator(mode="after")
    def _stop_fits(self) -> Run:
        if (self.stopped_by == "error") != (self.error is not None):
            raise ValueError("stopped_by must be 'error' exactly when there is an error")
        if self.stopped_by == "iterations" and len(self.samples) != self.iterations_requested:
            raise ValueError("stopped_by 'iterations' needs as many samples as were requested")
        if self.stopped_by == "time_budget" and len(self.samples) >= self.iterations_requested:
            raise ValueError("stopped_by 'time_budget' means fewer samples than were requested")
        return self
