"""How accuracy is measured, on pictures and answers made up for that: a runtime that is wrong must be noticed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builder.catalogue import select
from builder.detection import Detection
from builder.errors import ZooError
from evaluation.classification import Classification
from evaluation.detection import CocoDetection, agreement
from evaluation.photographs import coco, imagenet
from evaluation.subjects import SUBJECTS, far_from_known, weights

(RESNET50,) = select(["resnet50"])
(MOBILENET_V1,) = select(["mobilenet_v1"])
(SSD,) = select(["ssd_mobilenet_v1_coco"])

CAT, DOG = 17, 18


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two labelled photographs, and a COCO of two images: a cat in the left half of one, a dog in the lower half of the other."""
    photographs = tmp_path / "images" / "imagenet-1000"
    photographs.mkdir(parents=True)
    for name in ("0003.jpg", "0007.jpg"):
        Image.new("RGB", (300, 260), "grey").save(photographs / name)
    images = tmp_path / "images" / "coco-mini"
    (images / "annotations").mkdir(parents=True)
    (images / "val2017").mkdir()
    sizes = {21: (200, 100), 4: (80, 60)}
    truth = {
        "info": {},
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": w, "height": h} for i, (w, h) in sizes.items()],
        "categories": [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 4, "category_id": CAT, "bbox": [0, 0, 40, 60], "area": 2400, "iscrowd": 0},
            {"id": 2, "image_id": 21, "category_id": DOG, "bbox": [0, 50, 200, 50], "area": 10000, "iscrowd": 0},
        ],
    }
    (images / "annotations" / "instances_val2017.json").write_text(json.dumps(truth))
    for image_id, size in sizes.items():
        Image.new("RGB", size, "grey").save(images / "val2017" / f"{image_id}.jpg")
    return tmp_path


def _logits(size: int, *likeliest: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    logits = np.zeros((1, size), np.float32)
    logits[0, list(likeliest)] = np.arange(len(likeliest), 0, -1)
    return {"logits": logits}


def test_an_answer_is_the_five_likeliest_of_imagenets_classes(data: Path) -> None:
    assert Classification(RESNET50, data, 1).answer(_logits(1000, 9, 3, 8, 7, 1)) == (9, 3, 8, 7, 1)
    assert Classification(MOBILENET_V1, data, 1).answer(_logits(1001, 10, 4, 9, 8, 2)) == (9, 3, 8, 7, 1)


def test_top_1_and_top_5_count_photographs(data: Path) -> None:
    questions = Classification(RESNET50, data, 1)
    assert [tensor.shape for tensor in questions.inputs] == [(1, 3, 224, 224)] * 2
    assert questions.scores({0: (3, 1, 2, 4, 5), 1: (1, 2, 4, 5, 7)}) == {"top-1": 50.0, "top-5": 100.0}
    assert questions.scores({1: (1, 2, 4, 5, 6)}) == {"top-1": 0.0, "top-5": 0.0}


def test_one_changed_answer_is_noise_and_two_are_not(data: Path) -> None:
    questions = Classification(RESNET50, data, 1)
    expected = dict.fromkeys(range(200), (1, 2, 3, 4, 5))
    once = expected | {7: (2, 1, 3, 4, 5)}
    assert questions.differences(expected, once) == []
    (words,) = questions.differences(expected, once | {9: (6, 1, 2, 3, 4)})
    assert words == "the likeliest class of 2 of 200 photographs is another (1 may be)"


def _found(class_index: int, score: float, *box: float) -> Detection:
    left, top, right, bottom = box
    return Detection(class_index, score, (left, top, right, bottom), prior=0)


def test_average_precision_is_full_for_the_truth_and_half_where_one_class_is_missed(data: Path) -> None:
    questions = CocoDetection(SSD, data, 1)
    cat, dog = _found(CAT, 0.9, 0, 0, 0.5, 1), _found(DOG, 0.8, 0, 0.5, 1, 1)
    assert questions.scores({0: [cat], 1: [dog]}) == pytest.approx({"mAP": 100, "AP50": 100})
    assert questions.scores({0: [cat], 1: []}) == pytest.approx({"mAP": 50, "AP50": 50})
    assert questions.scores({0: [cat]}) == pytest.approx({"mAP": 100, "AP50": 100})  # of this image alone
    assert questions.scores({0: [], 1: []}) == {"mAP": 0, "AP50": 0}
    loose = dataclasses.replace(cat, box=(0, 0, 0.5, 0.7))  # an IoU of 0.7
    assert questions.scores({0: [loose], 1: [dog]}) == pytest.approx({"mAP": 75, "AP50": 100})


def test_detections_that_differ_are_noticed(data: Path) -> None:
    questions = CocoDetection(SSD, data, 1)
    cat, dog = _found(CAT, 0.9, 0, 0, 0.5, 1), _found(DOG, 0.8, 0, 0.5, 1, 1)
    expected = {0: [cat], 1: [dog]}
    assert questions.differences(expected, expected) == []
    assert agreement([[cat], [dog]], [[cat], [dog]]) == (2, 2)
    missing = questions.differences(expected, {0: [cat], 1: []})
    assert missing[0] == "mAP is 50.00 and not 100.00 (0.1 points may be between them)"
    assert missing[-1] == "1 of 2 detections agree (99.5% must)"
    shy = dataclasses.replace(dog, score=0.7)  # finds all the same, but is not PyTorch
    assert questions.differences(expected, {0: [cat], 1: [shy]}) == ["1 of 2 detections agree (99.5% must)"]


def test_figures_far_from_the_known_ones_are_named() -> None:
    subject = next(s for s in SUBJECTS if s.model_id == "resnet50")
    assert far_from_known(subject, {"top-1": 77.0, "top-5": 90.0}) == []
    assert far_from_known(subject, {"top-1": 71.0, "top-5": 90.0}) == ["top-1 is 71.0, where INDEX.md has 76.5"]


def test_a_folder_without_the_material_is_told_of(tmp_path: Path) -> None:
    for read in (lambda: imagenet(tmp_path, 1), lambda: coco(tmp_path), lambda: weights(RESNET50, tmp_path)):
        with pytest.raises(ZooError) as caught:
            read()
        assert str(tmp_path) in caught.value.got
        assert "ZOO_SHARED_DATA" in caught.value.next_step
