"""The zoo: one record a model. To add a model is to add a record. Facts are cited beside the numbers."""

from __future__ import annotations

from builder import priors
from builder.errors import ZooError
from builder.records import InputEntry, OutputEntry, Preprocessing, Tolerance, TopK
from builder.spec import ModelSpec, SsdSpec, WeightsSource

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_FLOAT32_REASON = (
    "fp32 on both sides: kernels add in another order; measured at most a fifth of this with onnxruntime "
    "and with onnxruntime-web (docs/method.md)"
)


def _input(side: int, preprocessing: Preprocessing) -> InputEntry:
    return InputEntry(name="input", shape=(1, 3, side, side), dtype="float32", preprocessing=preprocessing)


def _output(name: str, *shape: int) -> OutputEntry:
    return OutputEntry(name=name, shape=shape, dtype="float32")


def _fp32(*outputs: str) -> tuple[Tolerance, ...]:
    return tuple(Tolerance(output=name, atol=1e-3, rtol=1e-3, reason=_FLOAT32_REASON) for name in outputs)


RESNET50 = ModelSpec(
    id="resnet50",
    title="ResNet-50",
    task="classification",
    constructor="builder.models.torchvision_models:resnet50",
    weights=WeightsSource(
        file_name="resnet50-19c8e357.pth",
        url="https://download.pytorch.org/models/resnet50-19c8e357.pth",
        bytes=102_502_400,
        # The SHA-384 is the one that Open Model Zoo's resnet-50-pytorch/model.yml publishes.
        checksums=(
            "sha256:19c8e357",
            "sha384:de63f5f0157c6781341f7b8e6cca587b462a0d80425b51b7a333d3f38a9be0ff198df25bf6ce107112c0136ce5b9ee50",
        ),
        licence="BSD-3-Clause (torchvision)",
        citation="He et al., Deep Residual Learning for Image Recognition, arXiv 1512.03385",
        instructions="it is fetched from PyTorch's own server",
    ),
    input=_input(
        224,
        Preprocessing(resize="shorter_side", size=256, divisor=255.0, mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
    ),
    outputs=(_output("logits", 1, 1000),),
    labels="builder.labels:imagenet",
    postprocessing=TopK(kind="top_k", k=5),
    parameters=25_557_032,
    calibration_size=(224, 224),
    tolerances=_fp32("logits"),
)

MOBILENET_V1 = ModelSpec(
    id="mobilenet_v1",
    title="MobileNetV1 1.0",
    task="classification",
    constructor="builder.models.mobilenet_v1:MobileNetV1",
    weights=WeightsSource(
        file_name="mobilenet_v1_1.0_224.pth",
        url=None,
        bytes=None,
        checksums=(),
        licence="Apache-2.0 (TensorFlow's checkpoint)",
        citation="Howard et al., MobileNets, arXiv 1704.04861; MLPerf inference v0.5",
        instructions=(
            "no PyTorch file with a checksum is published: convert TensorFlow's mobilenet_v1_1.0_224 checkpoint "
            "(the key names are in builder/models/mobilenet_v1.py) and put it into the weights folder as mobilenet_v1.pth"
        ),
    ),
    # (pixel - 127.5) / 127.5, which is TensorFlow's (x / 255 - 0.5) / 0.5
    input=_input(
        224,
        Preprocessing(resize="shorter_side", size=256, divisor=255.0, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    ),
    outputs=(_output("logits", 1, 1001),),
    labels="builder.labels:imagenet_with_background",
    postprocessing=TopK(kind="top_k", k=5),
    parameters=4_233_001,
    calibration_size=(224, 224),
    tolerances=_fp32("logits"),
)

SSD_MOBILENET_V1 = ModelSpec(
    id="ssd_mobilenet_v1",
    title="SSD300 MobileNetV1 (VOC)",
    task="detection",
    constructor="builder.models.ssd_mobilenet_v1:SsdMobileNetV1",
    weights=WeightsSource(
        file_name="mobilenet-v1-ssd-mp-0_675.pth",
        url=None,
        bytes=None,
        checksums=(),
        licence="MIT (qfgaohao/pytorch-ssd)",
        citation="Liu et al., SSD: Single Shot MultiBox Detector, arXiv 1512.02325; qfgaohao/pytorch-ssd",
        instructions=(
            "no checksum is published, so it is not fetched unattended: download mobilenet-v1-ssd-mp-0_675.pth as "
            "qfgaohao/pytorch-ssd's README says and put it into the weights folder under that name or as ssd_mobilenet_v1.pth"
        ),
    ),
    input=_input(
        300,
        Preprocessing(resize="stretch", size=None, divisor=1.0, mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    ),
    outputs=(_output("locations", 1, 3000, 4), _output("scores", 1, 3000, 21)),
    labels="builder.labels:voc",
    postprocessing=SsdSpec(
        make_priors=priors.ssd300_voc,
        locations_output="locations",
        scores_output="scores",
        layout="prior_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_threshold=0.01,
        iou_threshold=0.45,
        suppress_at_threshold=False,
        candidates_per_class=200,
        max_detections=200,
    ),
    parameters=9_468_996,
    calibration_size=(300, 300),
    tolerances=_fp32("locations", "scores"),
)

SSD_RESNET34 = ModelSpec(
    id="ssd_resnet34",
    title="SSD1200 ResNet-34 (COCO)",
    task="detection",
    constructor="builder.models.ssd_resnet34:SsdResNet34",
    weights=WeightsSource(
        file_name="resnet34-ssd1200.pytorch",
        url=None,
        bytes=None,
        checksums=(),
        licence="Apache-2.0 (MLPerf inference)",
        citation="Liu et al., SSD, arXiv 1512.02325; MLPerf inference v0.5 to v2.0; Zenodo record 3236545",
        instructions=(
            "no checksum is published, so it is not fetched unattended: download resnet34-ssd1200.pytorch from Zenodo record "
            "3236545 and put it into the weights folder under that name; its pickle is read without running any of its code"
        ),
        state_dict_key="model",
    ),
    input=_input(
        1200,
        Preprocessing(resize="stretch", size=None, divisor=255.0, mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
    ),
    outputs=(_output("locations", 1, 4, 15130), _output("scores", 1, 81, 15130)),
    labels="builder.labels:coco80",
    postprocessing=SsdSpec(
        make_priors=priors.ssd1200_coco,
        locations_output="locations",
        scores_output="scores",
        layout="channel_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_threshold=0.05,
        iou_threshold=0.5,
        suppress_at_threshold=True,
        candidates_per_class=200,
        max_detections=200,
    ),
    parameters=19_972_534,
    # A quarter of the pixels: calibration is in double precision, and the statistics hardly depend on the size.
    calibration_size=(600, 600),
    tolerances=_fp32("locations", "scores"),
)

CATALOGUE: tuple[ModelSpec, ...] = (RESNET50, MOBILENET_V1, SSD_MOBILENET_V1, SSD_RESNET34)


def select(names: list[str]) -> tuple[ModelSpec, ...]:
    """The models of those ids, in the catalogue's order; all of them for an empty list. Raises ZooError for an unknown id."""
    known = [spec.id for spec in CATALOGUE]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ZooError(
            "unknown model",
            got=", ".join(unknown),
            expected="one of " + ", ".join(known),
            next_step="run python -m builder list to see what there is",
        )
    return tuple(spec for spec in CATALOGUE if not names or spec.id in names)
