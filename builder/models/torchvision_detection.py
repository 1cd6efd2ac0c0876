"""torchvision's detectors, as the builder constructs them: without weights, on inputs that are normalised and of a fixed size.

What torchvision does around the network (resizing, normalising) is the catalogue's preprocessing. The module names are torchvision's,
so that its state dicts load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.ops import FrozenBatchNorm2d

_PADDED_TO = 32  # the coarsest level of the pyramid has one cell for so many pixels


def ssd300_vgg16() -> nn.Module:
    """SSD300 on VGG-16: (N, 3, 300, 300) -> offsets (N, 8732, 4), class logits (N, 8732, 91)."""
    return _SsdHeads(detection.ssd300_vgg16(weights=None, weights_backbone=None))


def ssdlite320_mobilenet_v3() -> nn.Module:
    """SSDLite320 on MobileNetV3 Large: (N, 3, 320, 320) -> offsets (N, 3234, 4), class logits (N, 3234, 91)."""
    return _SsdHeads(detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None))


def fasterrcnn_resnet50_fpn() -> nn.Module:
    """Faster R-CNN on ResNet-50 with a feature pyramid: (1, 3, H, W) -> boxes (D, 4) in pixels, labels (D,), scores (D,)."""
    return _FasterRcnn()


class _SsdHeads(nn.Module):
    """Backbone and heads of a torchvision SSD; prior-major, the prior inside its cell, class 0 the background."""

    def __init__(self, whole: SSD) -> None:
        super().__init__()
        self.backbone: nn.Module = whole.backbone
        self.head: Any = whole.head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        heads = self.head(list(self.backbone(x).values()))
        return heads["bbox_regression"], heads["cls_logits"]

    def background_biases(self) -> list[Tensor]:
        """The bias elements that belong to class 0, one view per level; seeded weights set the number of detections with them."""
        head = self.head.classification_head
        last: list[Any] = [level if isinstance(level, nn.Conv2d) else level[-1] for level in head.module_list]
        return [convolution.bias[:: head.num_columns] for convolution in last]


class _FasterRcnn(nn.Module):
    """torchvision's fasterrcnn_resnet50_fpn with 91 classes, without the resizing and normalising around it.

    Its published weights (COCO_V1) were trained with frozen batch norms and are used with an epsilon of 0; so are these.

    For seeded weights: a trained network's first stage moves anchors a little, and its class logits stand far apart. These deviations make
    random weights do likewise, so that scores do not tie around the threshold and two runtimes find the same detections.
    """

    def __init__(self) -> None:
        super().__init__()
        backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d)
        whole = FasterRCNN(backbone, num_classes=91)
        self.backbone, self.rpn, self.roi_heads = whole.backbone, whole.rpn, whole.roi_heads
        for module in self.modules():
            if isinstance(module, FrozenBatchNorm2d):
                module.eps = 0.0
        self.rpn.head.bbox_pred.seeded_deviation = 0.1
        self.rpn.head.cls_logits.seeded_deviation = 3.0
        self.roi_heads.box_predictor.cls_score.seeded_deviation = 3.0
        self.score_threshold: float = self.roi_heads.score_thresh

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, proposals, shape = self._propose(x)
        (found,), _ = self.roi_heads(features, proposals, [shape])
        return found["boxes"], found["labels"], found["scores"]

    def background_biases(self) -> list[Tensor]:
        """The bias element of class 0; seeded weights set the number of detections with it."""
        return [self.roi_heads.box_predictor.cls_score.bias[:1]]

    def trial(self, x: Tensor) -> tuple[Callable[[float], NDArray[np.float32]], Callable[[float], int]]:
        """From a number added to the background's logit to the other classes' scores, and to how many detections the image gives."""
        heads = self.roi_heads
        features, proposals, shape = self._propose(x)
        logits, offsets = heads.box_predictor(heads.box_head(heads.box_roi_pool(features, proposals, [shape])))

        def shifted(bias: float) -> Tensor:
            return torch.cat([logits[:, :1] + bias, logits[:, 1:]], 1)

        def scores(bias: float) -> NDArray[np.float32]:
            return torch.softmax(shifted(bias), 1)[:, 1:].numpy()

        def count(bias: float) -> int:
            (boxes,), _, _ = heads.postprocess_detections(shifted(bias), offsets, proposals, [shape])
            return len(boxes)

        return scores, count

    def _propose(self, x: Tensor) -> tuple[dict[str, Tensor], list[Tensor], tuple[int, int]]:
        height, width = int(x.shape[2]), int(x.shape[3])
        padded = functional.pad(x, (0, -width % _PADDED_TO, 0, -height % _PADDED_TO))
        features = self.backbone(padded)
        proposals, _ = self.rpn(ImageList(padded, [(height, width)]), features)
        return features, proposals, (height, width)
