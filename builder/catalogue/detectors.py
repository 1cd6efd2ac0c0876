"""The detectors. Facts are cited beside the numbers."""

from __future__ import annotations

import dataclasses
import math

from builder import priors
from builder.catalogue.common import detector_input, fp32, output, torchvision_weights
from builder.records import Boxes, Tolerance
from builder.spec import ModelSpec, SsdSpec, WeightsSource

# torchvision's box coder: no box grows to more than 62.5 times its default box.
_TORCHVISION_MAX_LOG_SIZE = math.log(1000 / 16)

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
    input=detector_input(300, 300, divisor=1.0, mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    outputs=(output("locations", 1, 3000, 4), output("scores", 1, 3000, 21)),
    labels="builder.labels:voc",
    postprocessing=SsdSpec(
        make_priors=priors.ssd300_voc,
        locations_output="locations",
        scores_output="scores",
        layout="prior_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_activation="softmax",
        max_log_size=None,
        clip=False,
        score_threshold=0.01,
        iou_threshold=0.45,
        suppress_at_threshold=False,
        candidates_per_class=200,
        max_detections=200,
    ),
    parameters=9_468_996,
    calibration_size=(300, 300),
    tolerances=fp32("locations", "scores"),
)

SSD_MOBILENET_V1_COCO = ModelSpec(
    id="ssd_mobilenet_v1_coco",
    title="SSD300 MobileNetV1 (COCO, MLPerf)",
    task="detection",
    constructor="builder.models.ssd_mobilenet_v1_coco:SsdMobileNetV1Coco",
    arguments=(("width", 1.0),),
    weights=WeightsSource(
        file_name="ssd_mobilenet_v1.pytorch",
        url=None,
        bytes=None,
        checksums=(),
        licence="Apache-2.0 (TensorFlow's object detection API; MLPerf inference)",
        citation="Liu et al., SSD, arXiv 1512.02325; MLPerf inference v0.5 to v2.0; Zenodo record 3239977",
        instructions=(
            "no checksum is published, so it is not fetched unattended: download ssd_mobilenet_v1.pytorch from Zenodo record "
            "3239977 and put it into the weights folder under that name; its pickle is read without running any of its code"
        ),
        convert="builder.models.ssd_mobilenet_v1_coco:from_mlperf",
    ),
    input=detector_input(300, 300, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    outputs=(output("locations", 1, 1917, 4), output("scores", 1, 1917, 91)),
    labels="builder.labels:coco91",
    postprocessing=SsdSpec(
        make_priors=priors.ssd300_mobilenet_v1_coco,
        locations_output="locations",
        scores_output="scores",
        layout="prior_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_activation="sigmoid",
        max_log_size=None,
        clip=False,
        score_threshold=0.01,
        iou_threshold=0.6,
        suppress_at_threshold=False,
        candidates_per_class=100,
        max_detections=100,
    ),
    parameters=6_807_167,
    calibration_size=(300, 300),
    tolerances=fp32("locations", "scores"),
)

SSD_MOBILENET_V1_COCO_075 = dataclasses.replace(
    SSD_MOBILENET_V1_COCO,
    id="ssd_mobilenet_v1_coco_075",
    title="SSD300 MobileNetV1 0.75 (COCO)",
    arguments=(("width", 0.75),),
    weights=dataclasses.replace(
        SSD_MOBILENET_V1_COCO.weights,
        file_name="ssd_mobilenet_v1_coco_075.pth",
        licence="Apache-2.0 (TensorFlow)",
        instructions=(
            "no PyTorch file is published: de-quantise TensorFlow Lite's (the key names are in "
            "builder/models/ssd_mobilenet_v1_coco.py) and put it into the weights folder as ssd_mobilenet_v1_coco_075.pth"
        ),
        convert=None,
    ),
    # As the quantised file has it: zero point 128, scale 1/128
    input=detector_input(300, 300, divisor=1.0, mean=(128.0, 128.0, 128.0), std=(128.0, 128.0, 128.0)),
    parameters=4_101_231,
)

SSDLITE320_MOBILENET_V3 = ModelSpec(
    id="ssdlite320_mobilenet_v3",
    title="SSDLite320 MobileNetV3 Large (COCO)",
    task="detection",
    constructor="builder.models.torchvision_detection:ssdlite320_mobilenet_v3",
    weights=torchvision_weights(
        "ssdlite320_mobilenet_v3_large_coco-a79551df.pth",
        "Howard et al., Searching for MobileNetV3, arXiv 1905.02244; Sandler et al., MobileNetV2, arXiv 1801.04381",
        bytes=14_069_355,
        sha256="a79551df90c79834bcd3bb3845ef9d966b5449a3a9b2833ae8404778ca5d65d2",
    ),
    input=detector_input(320, 320, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    outputs=(output("locations", 1, 3234, 4), output("scores", 1, 3234, 91)),
    labels="builder.labels:coco91",
    postprocessing=SsdSpec(
        make_priors=priors.ssdlite320_torchvision,
        locations_output="locations",
        scores_output="scores",
        layout="prior_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_activation="softmax",
        max_log_size=_TORCHVISION_MAX_LOG_SIZE,
        clip=True,
        score_threshold=0.001,
        iou_threshold=0.55,
        suppress_at_threshold=False,
        candidates_per_class=300,
        max_detections=300,
    ),
    parameters=3_440_060,
    calibration_size=(320, 320),
    tolerances=fp32("locations", "scores"),
)

SSD300_VGG16 = ModelSpec(
    id="ssd300_vgg16",
    title="SSD300 VGG-16 (COCO)",
    task="detection",
    constructor="builder.models.torchvision_detection:ssd300_vgg16",
    weights=torchvision_weights(
        "ssd300_vgg16_coco-b556d3b4.pth",
        "Liu et al., SSD: Single Shot MultiBox Detector, arXiv 1512.02325",
        bytes=142_594_222,
        sha256="b556d3b43ab6c3f63d81bfb8835fe8756ac22da664357da100dccf96b6a6b42d",
    ),
    # torchvision normalises by the mean only and undoes the division by 255
    input=detector_input(300, 300, mean=(0.48235, 0.45882, 0.40784), std=(1 / 255, 1 / 255, 1 / 255)),
    outputs=(output("locations", 1, 8732, 4), output("scores", 1, 8732, 91)),
    labels="builder.labels:coco91",
    postprocessing=SsdSpec(
        make_priors=priors.ssd300_torchvision,
        locations_output="locations",
        scores_output="scores",
        layout="prior_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_activation="softmax",
        max_log_size=_TORCHVISION_MAX_LOG_SIZE,
        clip=True,
        score_threshold=0.01,
        iou_threshold=0.45,
        suppress_at_threshold=False,
        candidates_per_class=400,
        max_detections=200,
    ),
    parameters=35_641_826,
    calibration_size=(300, 300),
    tolerances=fp32("locations", "scores"),
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
    input=detector_input(1200, 1200),
    outputs=(output("locations", 1, 4, 15130), output("scores", 1, 81, 15130)),
    labels="builder.labels:coco80",
    postprocessing=SsdSpec(
        make_priors=priors.ssd1200_coco,
        locations_output="locations",
        scores_output="scores",
        layout="channel_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_activation="softmax",
        max_log_size=None,
        clip=False,
        score_threshold=0.05,
        iou_threshold=0.5,
        suppress_at_threshold=True,
        candidates_per_class=200,
        max_detections=200,
    ),
    parameters=19_972_534,
    # A quarter of the pixels: calibration is in double precision, and the statistics hardly depend on the size.
    calibration_size=(600, 600),
    tolerances=fp32("locations", "scores"),
)

_DETECTION_REASON = (
    "boxes are pixels: rounding in 60 layers moves a corner by up to 0.01 of a pixel; scores are a softmax over 91 logits. "
    "Measured at most 28 % of this with onnxruntime (docs/method.md)"
)

FASTERRCNN_RESNET50_FPN = ModelSpec(
    id="fasterrcnn_resnet50_fpn",
    title="Faster R-CNN ResNet-50 FPN, 240x427 (COCO)",
    task="detection",
    constructor="builder.models.torchvision_detection:fasterrcnn_resnet50_fpn",
    weights=torchvision_weights(
        "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
        "Ren et al., Faster R-CNN, arXiv 1506.01497; Lin et al., Feature Pyramid Networks, arXiv 1612.03144",
        bytes=167_502_836,
        sha256="258fb6c638b15964ddcdd1ae0748c5eef1be9e732750120cc857feed3faac384",
    ),
    input=detector_input(240, 427),
    outputs=(output("boxes", None, 4), output("labels", None, dtype="int64"), output("scores", None)),
    labels="builder.labels:coco91",
    postprocessing=Boxes(kind="boxes", boxes_output="boxes", labels_output="labels", scores_output="scores"),
    parameters=41_755_286,
    calibration_size=(240, 427),
    tolerances=(
        Tolerance(output="boxes", atol=1e-3, rtol=1e-3, reason=_DETECTION_REASON),
        Tolerance(output="labels", atol=0, rtol=0, reason="a class is the same or another"),
        Tolerance(output="scores", atol=1e-3, rtol=1e-3, reason=_DETECTION_REASON),
    ),
    exporter="torchscript",
)

FASTERRCNN_RESNET50_FPN_800 = dataclasses.replace(
    FASTERRCNN_RESNET50_FPN,
    id="fasterrcnn_resnet50_fpn_800",
    title="Faster R-CNN ResNet-50 FPN, 800x1333 (COCO)",
    weights_id="fasterrcnn_resnet50_fpn",
    input=detector_input(800, 1333),
)
