"""Class names, taken from torchvision's own lists so that they are written down once. Imports torchvision when called."""

from __future__ import annotations


def imagenet() -> list[str]:
    """The 1,000 classes of ImageNet-1k."""
    from torchvision.models import ResNet50_Weights

    return list(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])


def imagenet_with_background() -> list[str]:
    """TensorFlow's 1,001 classes: a background at 0, then ImageNet's."""
    return ["background", *imagenet()]


def voc() -> list[str]:
    """Background and the 20 classes of Pascal VOC."""
    from torchvision.models.segmentation import FCN_ResNet50_Weights

    names = FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"]
    return ["background", *names[1:]]


def coco91() -> list[str]:
    """Background and COCO's categories by their own numbers, 1 to 90, with "N/A" in the gaps."""
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    return ["background", *names[1:]]


def coco80() -> list[str]:
    """Background and COCO's 80 classes in the order of the annotation file, without the gaps in COCO's numbering."""
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    return ["background", *(name for name in names[1:] if name != "N/A")]
