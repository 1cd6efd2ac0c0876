"""The zoo: one record a model. To add a model is to add a record. Imports no torch."""

from __future__ import annotations

from builder.catalogue import classifiers, detectors
from builder.errors import ZooError
from builder.spec import ModelSpec

CATALOGUE: tuple[ModelSpec, ...] = (
    classifiers.MOBILENET_V1,
    classifiers.MOBILENET_V2,
    classifiers.EFFICIENTNET_B0,
    classifiers.RESNET34,
    classifiers.RESNET50,
    classifiers.RESNEST50,
    classifiers.RESNEST50_BASIC,
    classifiers.DENSENET121,
    classifiers.CONVNEXT_TINY,
    classifiers.CONVNEXT_BASE,
    detectors.SSD_MOBILENET_V1,
    detectors.SSD_MOBILENET_V1_COCO,
    detectors.SSD_MOBILENET_V1_COCO_075,
    detectors.SSDLITE320_MOBILENET_V3,
    detectors.SSD300_VGG16,
    detectors.SSD_RESNET34,
    detectors.FASTERRCNN_RESNET50_FPN,
    detectors.FASTERRCNN_RESNET50_FPN_800,
)
CATALOGUE_IDS = tuple(spec.id for spec in CATALOGUE)


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
