"""The nouns that leave the builder: what models/manifest.json holds, and what a Run repeats of it.

Every type here is frozen and strictly parsed: an unknown key, a missing key or a wrong type is an error. Nothing here imports
torch, so that the server, which reads these, starts at once.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Task = Literal["classification", "detection", "other"]
TensorType = Literal["float32", "int64"]
BackendName = Literal["wasm", "webgpu", "webgl", "webnn"]
SupportStatus = Literal["runs", "falls_back", "stops"]
WeightsKind = Literal["pretrained", "seeded"]


class Record(BaseModel):
    """A frozen, strictly parsed value."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="null")


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")]
# Relative, plain names joined by "/": no "..", no hidden file, nothing that a URL or a file system reads in a way of its own.
PlainPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*$")]
Dimensions = Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(strict=False)]
# None is a dimension that depends on the data, such as the number of detections; it may come out as 0.
OutputDimensions = Annotated[tuple[Annotated[int, Field(gt=0)] | None, ...], Field(strict=False)]
OperatorCounts = dict[str, Annotated[int, Field(gt=0)]]  # "Conv", or "com.example:MyOp" outside ai.onnx
Triple = Annotated[tuple[float, float, float], Field(strict=False)]
NonNegative = Annotated[float, Field(ge=0)]


class FileEntry(Record):
    """A file in the models folder. `path` is relative to that folder."""

    path: PlainPath
    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]


class Preprocessing(Record):
    """From an RGB image of 8 bits a channel to the input tensor, in this order.

    resize "shorter_side": so that the shorter side has `size` pixels, then a centre crop to the input's height and width. resize
    "stretch": to the input's height and width, whatever the image's proportions. Then, channel by channel,
    value = (pixel / divisor - mean) / std. Both resizings are antialiased.
    """

    resize: Literal["shorter_side", "stretch"]
    size: Annotated[int, Field(gt=0)] | None
    interpolation: Literal["bilinear", "bicubic"]
    divisor: Annotated[float, Field(gt=0)]
    mean: Triple
    std: Triple


class InputEntry(Record):
    """The graph's one input, float32. `preprocessing` makes it (1, 3, H, W) from an RGB image; null where the input is no image."""

    name: str
    shape: Dimensions
    dtype: Literal["float32"]
    preprocessing: Preprocessing | None


class OutputEntry(Record):
    """One output of the graph, in the graph's order."""

    name: str
    shape: OutputDimensions
    dtype: TensorType


class TopK(Record):
    """Classification: the `k` greatest logits, the lower class index first where two are equal."""

    kind: Literal["top_k"]
    k: Annotated[int, Field(gt=0)]


class Ssd(Record):
    """Detection: how raw head outputs become boxes. builder/detection.py and web/detection.js both read this.

    `priors` is a safetensors file with one float32 tensor "priors" of shape (P, 4): centre x, centre y, width, height, as fractions
    of the image. `locations_output` and `scores_output` name graph outputs of shape (1, P, 4) and (1, P, C) when `layout` is
    "prior_major", (1, 4, P) and (1, C, P) when it is "channel_major". Class 0 is the background. Locations are offsets of centre x,
    centre y, logarithm of width, logarithm of height.
    score_activation: from logits to scores, over the classes ("softmax") or each class alone ("sigmoid").
    max_log_size: greater size offsets (after multiplication by size_variance) count as this; null: no limit.
    clip: boxes are cut to the image, before suppression.
    """

    kind: Literal["ssd"]
    priors: FileEntry
    locations_output: str
    scores_output: str
    layout: Literal["prior_major", "channel_major"]
    centre_variance: Annotated[float, Field(gt=0)]
    size_variance: Annotated[float, Field(gt=0)]
    score_activation: Literal["softmax", "sigmoid"]
    max_log_size: Annotated[float, Field(gt=0)] | None
    clip: bool
    score_threshold: Annotated[float, Field(ge=0, lt=1)]
    iou_threshold: Annotated[float, Field(gt=0, le=1)]
    suppress_at_threshold: bool
    candidates_per_class: Annotated[int, Field(gt=0)]
    max_detections: Annotated[int, Field(gt=0)]


class Boxes(Record):
    """Detection inside the graph: it gives what it found, N rows in each of three outputs; N may be 0.

    Boxes (N, 4) float32: left, top, right, bottom in pixels of the input; labels (N,) int64, never 0, the background; scores (N,).
    """

    kind: Literal["boxes"]
    boxes_output: str
    labels_output: str
    scores_output: str


class Raw(Record):
    """Nothing is known of what the outputs mean: they are compared number by number, and that is all."""

    kind: Literal["raw"]


Postprocessing = Annotated[TopK | Ssd | Boxes | Raw, Field(discriminator="kind")]


class Tolerance(Record):
    """|actual - reference| must nowhere exceed `atol` + `rtol` x |reference|. `reason` says why these two numbers."""

    output: str
    atol: NonNegative
    rtol: NonNegative
    reason: str


class OutputVerification(Record):
    """How far one output was from eager PyTorch in fp32.

    max_abs_diff: greatest |actual - reference|.
    max_rel_diff: greatest |actual - reference| / |reference| over the elements whose |reference| is at least 1 % of the greatest
        one (smaller ones are next to zero, where a relative difference says nothing).
    tolerance_used: greatest |actual - reference| / (atol + rtol x |reference|); 1 is the limit.
    All three are null where the output has another shape or type, or holds NaN or infinity: then nothing can be compared, and it failed.
    Outputs of a model with `Boxes` are compared row by row after the detections have been paired as TaskVerification says, since rows
    whose scores differ in the last digit may come in another order; where a detection has no partner, all three are null.
    """

    output: str
    max_abs_diff: NonNegative | None
    max_rel_diff: NonNegative | None
    tolerance_used: NonNegative | None
    atol: NonNegative
    rtol: NonNegative
    passed: bool

    @model_validator(mode="after")
    def _numbers_come_together(self) -> OutputVerification:
        if len({n is None for n in (self.max_abs_diff, self.max_rel_diff, self.tolerance_used)}) > 1:
            raise ValueError("max_abs_diff, max_rel_diff and tolerance_used must all be numbers, or all be null")
        return self

    @model_validator(mode="after")
    def _passed_means_within(self) -> OutputVerification:
        within = self.tolerance_used is not None and self.tolerance_used <= 1
        if self.passed != within:
            raise ValueError("passed must be true exactly when tolerance_used is at most 1")
        return self


class TaskVerification(Record):
    """The task's own measure.

    "top_5": the five greatest classes, in order; `expected` is 5, `matched` how many places agree.
    "detections": `expected` is how many detections PyTorch's outputs give, `actual` how many these outputs give, `matched` how many
    pairs have the same class, an IoU of at least 0.99 and scores within 0.001.
    "elements": for `Raw`; how many numbers the outputs have, and how many are within their tolerance.
    """

    measure: Literal["top_5", "detections", "elements"]
    expected: Annotated[int, Field(ge=0)]
    actual: Annotated[int, Field(ge=0)]
    matched: Annotated[int, Field(ge=0)]
    passed: bool

    @model_validator(mode="after")
    def _passed_means_all_matched(self) -> TaskVerification:
        if self.passed != (self.expected == self.actual == self.matched):
            raise ValueError("passed must be true exactly when expected, actual and matched are equal")
        return self


class Verification(Record):
    """Outputs of one runtime for one reference input, compared with the reference's (ModelEntry.reference_runtime made them)."""

    reference: str
    runtime: str
    outputs: Annotated[tuple[OutputVerification, ...], Field(strict=False, min_length=1)]
    task: TaskVerification
    passed: bool

    @model_validator(mode="after")
    def _passed_means_everything(self) -> Verification:
        if self.passed != (self.task.passed and all(o.passed for o in self.outputs)):
            raise ValueError("passed must be true exactly when the task and every output passed")
        return self


class ReferenceEntry(FileEntry):
    """A safetensors file: the input and the reference outputs, under the graph's own names. `name` is photograph, noise or blank."""

    name: Identifier


class WeightsEntry(Record):
    """Where the weights came from. `origin` is a URL, a file name, or how seeded weights were made; `sha256` and `bytes` are the file's."""

    kind: WeightsKind
    origin: str
    sha256: Sha256 | None
    bytes: Annotated[int, Field(ge=0)] | None
    licence: str
    citation: str


class Blocker(Record):
    """Why a backend cannot run a file: `count` nodes of `operator`, or the file as a whole where `operator` is null."""

    operator: str | None
    count: Annotated[int, Field(ge=1)]
    reason: str


class BackendSupport(Record):
    """What builder/support.py says of one file on one backend of the pinned onnxruntime-web, before anything is run.

    status: "runs"; "falls_back", when some nodes run in WebAssembly instead (`fallback` counts them by operator); "stops", when no
    session can be made or an inference fails (`blockers` say why). caveats: what may stop it on some devices, or for some data; each a
    sentence.
    """

    backend: BackendName
    status: SupportStatus
    fallback: OperatorCounts
    blockers: Annotated[tuple[Blocker, ...], Field(strict=False)]
    caveats: Annotated[tuple[str, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _status_has_its_reasons(self) -> BackendSupport:
        if (self.status == "stops") != bool(self.blockers):
            raise ValueError("status must be 'stops' exactly when there are blockers")
        if self.status != "stops" and (self.status == "falls_back") != bool(self.fallback):
            raise ValueError("status must be 'falls_back' exactly when there are fallback nodes")
        return self


class Observation(Record):
    """What a browser really did with one file: python -m builder verify --in-browser records it.

    fallback: nodes that the runtime placed on WebAssembly, by operator, after its own fusions; null where it did not say.
    verification: of the reference photograph, or of the further reference that went wrong; null where it did not come so far.
    message: why it stopped, else null.
    """

    browser: str
    browser_version: str
    runtime_version: str
    backend: BackendName
    status: SupportStatus
    fallback: OperatorCounts | None
    verification: Verification | None
    message: str | None


class VariantEntry(FileEntry):
    """One ONNX file of a model. `macs`: multiply-accumulate operations of one inference (on the photograph, where they depend on data)."""

    name: Identifier
    opset: Annotated[int, Field(ge=17, le=21)]
    ir_version: Annotated[int, Field(ge=1, le=13)]
    operators: OperatorCounts
    macs: Annotated[int, Field(ge=0)]
    support: Annotated[tuple[BackendSupport, ...], Field(strict=False)]
    observations: Annotated[tuple[Observation, ...], Field(strict=False)]
    tolerances: Annotated[tuple[Tolerance, ...], Field(strict=False, min_length=1)]
    verifications: Annotated[tuple[Verification, ...], Field(strict=False, min_length=1)]


class ModelEntry(Record):
    """Everything that anybody outside the builder needs to know of one model.

    tools: versions by name, of the packages that made its files, and of the onnxruntime-web that its support is predicted for.
    """

    id: Identifier
    title: str
    task: Task
    input: InputEntry
    outputs: Annotated[tuple[OutputEntry, ...], Field(strict=False, min_length=1)]
    labels: FileEntry
    postprocessing: Postprocessing
    parameters: Annotated[int, Field(ge=0)]
    weights: WeightsEntry
    reference_runtime: str
    references: Annotated[tuple[ReferenceEntry, ...], Field(strict=False, min_length=1)]
    variants: Annotated[tuple[VariantEntry, ...], Field(strict=False, min_length=1)]
    build_key: Sha256
    build_seconds: NonNegative
    tools: dict[str, str]

    @model_validator(mode="after")
    def _every_output_has_one_tolerance(self) -> ModelEntry:
        names = sorted(output.name for output in self.outputs)
        if any(sorted(t.output for t in variant.tolerances) != names for variant in self.variants):
            raise ValueError("every variant must have one tolerance for each output")
        return self

    def files(self) -> tuple[FileEntry, ...]:
        """Every file of this model, in the order of the manifest."""
        priors = (self.postprocessing.priors,) if isinstance(self.postprocessing, Ssd) else ()
        return (self.labels, *priors, *self.references, *self.variants)


class Manifest(Record):
    """models/manifest.json: the contract between the builder and everything else."""

    schema_version: Literal[2]
    models: Annotated[tuple[ModelEntry, ...], Field(strict=False)]
