"""The classifiers. URLs, sizes and parameters of torchvision's are its own (tests/builder/test_catalogue.py holds them to it)."""

from __future__ import annotations

from builder.catalogue.common import (
    classifier_input,
    fp32,
    output,
    torchvision_classifier,
    torchvision_weights,
)
from builder.records import TopK
from builder.spec import ModelSpec, WeightsSource

_RESNET = "He et al., Deep Residual Learning for Image Recognition, arXiv 1512.03385"
_CONVNEXT = "Liu et al., A ConvNet for the 2020s, arXiv 2201.03545"
_RESNEST = "Zhang et al., ResNeSt: Split-Attention Networks, arXiv 2004.08955"

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
    input=classifier_input(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    outputs=(output("logits", 1, 1001),),
    labels="builder.labels:imagenet_with_background",
    postprocessing=TopK(kind="top_k", k=5),
    parameters=4_233_001,
    calibration_size=(224, 224),
    tolerances=fp32("logits"),
)

MOBILENET_V2 = torchvision_classifier(
    "mobilenet_v2",
    "MobileNetV2",
    weights=torchvision_weights(
        "mobilenet_v2-b0353104.pth",
        "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv 1801.04381",
        bytes=None,  # not published to the byte: 13.555 MiB
        sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    ),
    parameters=3_504_872,
)

EFFICIENTNET_B0 = torchvision_classifier(
    "efficientnet_b0",
    "EfficientNet-B0",
    weights=torchvision_weights(
        "efficientnet_b0_rwightman-7f5810bc.pth",
        "Tan & Le, EfficientNet, arXiv 1905.11946",
        bytes=21_444_401,
        sha256="7f5810bc96def8f7552d5b7e68d53c4786f81167d28291b21c0d90e1fca14934",
    ),
    parameters=5_288_548,
    interpolation="bicubic",
)

RESNET34 = torchvision_classifier(
    "resnet34",
    "ResNet-34",
    weights=torchvision_weights(
        "resnet34-b627a593.pth",
        _RESNET,
        bytes=87_319_819,
        sha256="b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
    ),
    parameters=21_797_672,
)

RESNET50 = torchvision_classifier(
    "resnet50",
    "ResNet-50",
    weights=torchvision_weights(
        "resnet50-0676ba61.pth",
        _RESNET,
        bytes=102_530_333,
        sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
    ),
    parameters=25_557_032,
)

RESNEST50 = ModelSpec(
    id="resnest50",
    title="ResNeSt-50",
    task="classification",
    constructor="builder.models.resnest:resnest50",
    weights=WeightsSource(
        file_name="resnest50-528c19ca.pth",
        url="https://github.com/zhanghang1989/ResNeSt/releases/download/weights_step1/resnest50-528c19ca.pth",
        mirrors=(
            "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-resnest/resnest50-528c19ca.pth",
        ),
        # Size and SHA-256 as Open Model Zoo's resnest-50-pytorch/model.yml publishes them.
        bytes=110_273_258,
        checksums=("sha256:528c19ca6509420548c8359f63ff37975e7d92f42eaf72a7af152a015c8ef48c",),
        licence="Apache-2.0 (zhanghang1989/ResNeSt)",
        citation=_RESNEST,
        instructions="it is fetched from the authors' release",
    ),
    input=classifier_input(),
    outputs=(output("logits", 1, 1000),),
    labels="builder.labels:imagenet",
    postprocessing=TopK(kind="top_k", k=5),
    parameters=27_483_240,
    calibration_size=(224, 224),
    tolerances=fp32("logits"),
)

RESNEST50_BASIC = ModelSpec(
    id="resnest50_basic",
    title="ResNeSt-50 on basic blocks",
    task="classification",
    constructor="builder.models.resnest:resnest50_basic",
    weights=WeightsSource(
        file_name="resnest50_basic.pth",
        url=None,
        bytes=None,
        checksums=(),
        licence="none: no weights are published",
        citation=_RESNEST,
        instructions="no weights are published for it; put your own into the weights folder as resnest50_basic.pth",
    ),
    input=classifier_input(),
    outputs=(output("logits", 1, 1000),),
    labels="builder.labels:imagenet",
    postprocessing=TopK(kind="top_k", k=5),
    parameters=23_731_432,
    calibration_size=(224, 224),
    tolerances=fp32("logits"),
)

DENSENET121 = torchvision_classifier(
    "densenet121",
    "DenseNet-121",
    weights=torchvision_weights(
        "densenet121-a639ec97.pth",
        "Huang et al., Densely Connected Convolutional Networks, arXiv 1608.06993",
        bytes=32_342_954,
        sha256="a639ec97d7c33b07ae66f0b5fb7d0192f95a3b11b7576c66c0126c2a727c4395",
        convert="builder.models.old_keys:densenet",
    ),
    parameters=7_978_856,
)

CONVNEXT_TINY = torchvision_classifier(
    "convnext_tiny",
    "ConvNeXt-Tiny",
    weights=torchvision_weights(
        "convnext_tiny-983f1562.pth",
        _CONVNEXT,
        bytes=114_419_221,
        sha256="983f1562536e84ff750a1576fb08e54de751dbf2e17c0d8a4a13704341fdcd3d",
    ),
    parameters=28_589_128,
    shorter_side=236,
)

CONVNEXT_BASE = torchvision_classifier(
    "convnext_base",
    "ConvNeXt-Base",
    weights=torchvision_weights(
        "convnext_base-6075fbad.pth",
        _CONVNEXT,
        bytes=None,  # not published to the byte: 338.064 MiB
        sha256="6075fbad31c688f9ed013922a59daf0fc2f4dc12e6e43bc01fa840c7bd1ca2cd",
    ),
    parameters=88_591_464,
    shorter_side=232,
)
