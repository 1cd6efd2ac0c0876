"""What several records of the catalogue have in common."""

from __future__ import annotations

from typing import Literal

from builder.records import InputEntry, OutputEntry, Preprocessing, TensorType, Tolerance, TopK
from builder.spec import ModelSpec, WeightsSource

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FLOAT32_REASON = (
    "fp32 on both sides: kernels add in another order; measured at most a third of this with onnxruntime "
    "and with onnxruntime-web (docs/method.md)"
)


def classifier_input(
    shorter_side: int = 256,
    interpolation: Literal["bilinear", "bicubic"] = "bilinear",
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
) -> InputEntry:
    """224 x 224 from the middle of the image, its shorter side resized."""
    rule = Preprocessing(
        resize="shorter_side", size=shorter_side, interpolation=interpolation, divisor=255.0, mean=mean, std=std
    )
    return InputEntry(name="input", shape=(1, 3, 224, 224), dtype="float32", preprocessing=rule)


def detector_input(
    height: int,
    width: int,
    *,
    divisor: float = 255.0,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
) -> InputEntry:
    """The whole image, stretched to the input's size."""
    rule = Preprocessing(resize="stretch", size=None, interpolation="bilinear", divisor=divisor, mean=mean, std=std)
    return InputEntry(name="input", shape=(1, 3, height, width), dtype="float32", preprocessing=rule)


def output(name: str, *shape: int | None, dtype: TensorType = "float32") -> OutputEntry:
    """One output of the graph; None is a size that depends on the data."""
    return OutputEntry(name=name, shape=shape, dtype=dtype)


def fp32(*outputs: str) -> tuple[Tolerance, ...]:
    """The tolerance of every fp32 output that has no reason for another."""
    return tuple(Tolerance(output=name, atol=1e-3, rtol=1e-3, reason=FLOAT32_REASON) for name in outputs)


def torchvision_weights(
    file_name: str, citation: str, *, bytes: int | None, sha256: str, convert: str | None = None
) -> WeightsSource:
    """Weights that torchvision publishes. Their names end in the first 8 digits of the SHA-256, which is torch.hub's convention."""
    return WeightsSource(
        file_name=file_name,
        url=f"https://download.pytorch.org/models/{file_name}",
        mirrors=(f"https://s3.amazonaws.com/pytorch/models/{file_name}",),  # the bucket behind it
        bytes=bytes,
        checksums=(f"sha256:{sha256}",),
        licence="BSD-3-Clause (torchvision)",
        citation=citation,
        instructions="it is fetched from PyTorch's own server",
        convert=convert,
    )


def torchvision_classifier(
    model_id: str,
    title: str,
    *,
    weights: WeightsSource,
    parameters: int,
    shorter_side: int = 256,
    interpolation: Literal["bilinear", "bicubic"] = "bilinear",
) -> ModelSpec:
    """A classifier of torchvision's on ImageNet-1k: its id is the name of the function in torchvision.models that constructs it."""
    return ModelSpec(
        id=model_id,
        title=title,
        task="classification",
        constructor=f"torchvision.models:{model_id}",
        weights=weights,
        input=classifier_input(shorter_side, interpolation),
        outputs=(output("logits", 1, 1000),),
        labels="builder.labels:imagenet",
        postprocessing=TopK(kind="top_k", k=5),
        parameters=parameters,
        calibration_size=(224, 224),
        tolerances=fp32("logits"),
    )
