"""Two models of a few bytes, in a folder laid out as the builder lays it out, for tests of everything that reads that folder.

Both copy their input to their outputs, in order, so that a real onnxruntime and web/runtimes/fake.js (which echoes) give the same.
The ONNX files are real and run; "echo" is a classifier, "echo_ssd" a detector of 6 priors and 3 classes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import save

from builder import manifest
from builder.files import sha256_of, write_bytes
from builder.records import (
    FileEntry,
    InputEntry,
    Manifest,
    ModelEntry,
    OutputEntry,
    Postprocessing,
    Preprocessing,
    ReferenceEntry,
    Ssd,
    Task,
    Tolerance,
    TopK,
    VariantEntry,
    WeightsEntry,
)
from builder.verify import verify

Shapes = dict[str, tuple[int, ...]]

ECHO_OUTPUTS: Shapes = {"logits": (1, 48)}
ECHO_INPUT = (1, 3, 4, 4)
SSD_OUTPUTS: Shapes = {"locations": (1, 6, 4), "scores": (1, 6, 3)}
SSD_INPUT = (1, 3, 2, 7)
PRIORS = np.array(
    [
        [0.25, 0.25, 0.2, 0.2],
        [0.75, 0.25, 0.2, 0.2],
        [0.25, 0.75, 0.2, 0.2],
        [0.75, 0.75, 0.2, 0.2],
        [0.50, 0.50, 0.4, 0.4],
        [0.50, 0.50, 0.9, 0.9],
    ],
    dtype=np.float32,
)


def write_tiny_zoo(folder: Path) -> Manifest:
    """Write both models and the manifest into `folder`; return the manifest."""
    rng = np.random.default_rng(7)
    echo_input = rng.standard_normal(ECHO_INPUT, dtype=np.float32)
    ssd_input = np.concatenate(
        [
            rng.standard_normal(24, dtype=np.float32) * 0.3,
            np.array([[0, 4, 0], [0, 0, 5], [6, 0, 0], [0, 3, 1], [5, 0, 0], [0, 0, 3]], np.float32).ravel(),
        ]
    ).reshape(SSD_INPUT)
    models = (
        _write_model(folder, "echo", "Echo", "classification", echo_input, ECHO_OUTPUTS, TopK(kind="top_k", k=5), 48),
        _write_model(folder, "echo_ssd", "Echo SSD", "detection", ssd_input, SSD_OUTPUTS, _ssd(folder), 3),
    )
    whole = Manifest(schema_version=1, tools={"onnx": onnx.__version__}, models=models)
    manifest.write(folder, whole)
    return whole


def echo(data: NDArray[np.float32], outputs: Shapes) -> dict[str, NDArray[np.float32]]:
    """The input's numbers, dealt out to the outputs in order."""
    flat, result, at = data.ravel(), {}, 0
    for name, shape in outputs.items():
        size = int(np.prod(shape))
        result[name] = flat[at : at + size].reshape(shape).copy()
        at += size
    return result


def _ssd(folder: Path) -> Ssd:
    return Ssd(
        kind="ssd",
        priors=_file(folder, "echo_ssd/priors.safetensors", save({"priors": PRIORS})),
        locations_output="locations",
        scores_output="scores",
        layout="prior_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_threshold=0.05,
        iou_threshold=0.5,
        suppress_at_threshold=True,
        candidates_per_class=200,
        max_detections=200,
    )


def _write_model(
    folder: Path,
    model_id: str,
    title: str,
    task: Task,
    data: NDArray[np.float32],
    outputs: Shapes,
    postprocessing: Postprocessing,
    classes: int,
) -> ModelEntry:
    copied = echo(data, outputs)
    tolerances = tuple(Tolerance(output=n, atol=1e-5, rtol=1e-4, reason="a copy is exact") for n in outputs)
    reference = save({"input": data, **copied})
    labels = json.dumps([f"class {i}" for i in range(classes)]).encode()
    height, width = data.shape[2:]
    return ModelEntry(
        id=model_id,
        title=title,
        task=task,
        input=InputEntry(
            name="input",
            shape=data.shape,
            dtype="float32",
            preprocessing=Preprocessing(
                resize="stretch", size=None, divisor=255.0, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
            ),
        ),
        outputs=tuple(OutputEntry(name=n, shape=s, dtype="float32") for n, s in outputs.items()),
        labels=_file(folder, f"{model_id}/labels.json", labels),
        postprocessing=postprocessing,
        parameters=height * width,
        weights=WeightsEntry(
            kind="seeded", origin="none: the graph only copies", sha256=None, licence="MIT", citation="this project"
        ),
        references=(
            ReferenceEntry(
                name="photograph", **_file(folder, f"{model_id}/photograph.safetensors", reference).model_dump()
            ),
        ),
        variants=(
            VariantEntry(
                name="fp32",
                opset=18,
                ir_version=10,
                tolerances=tolerances,
                verifications=(
                    verify(
                        copied,
                        copied,
                        tolerances,
                        postprocessing,
                        PRIORS,
                        reference="photograph",
                        runtime="onnxruntime",
                    ),
                ),
                **_file(folder, f"{model_id}/fp32.onnx", _copying_graph(data.shape, outputs)).model_dump(),
            ),
        ),
        build_key="0" * 64,
    )


def _copying_graph(input_shape: tuple[int, ...], outputs: Shapes) -> bytes:
    sizes = [int(np.prod(shape)) for shape in outputs.values()]
    parts = [f"{name}_flat" for name in outputs]
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"], axis=1),
        helper.make_node("Split", ["flat", "sizes"], parts, axis=1),
        *(
            helper.make_node("Reshape", [part, f"{name}_shape"], [name])
            for part, name in zip(parts, outputs, strict=True)
        ),
    ]
    constants = {"sizes": sizes} | {f"{name}_shape": list(shape) for name, shape in outputs.items()}
    graph = helper.make_graph(
        nodes,
        "copy",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [helper.make_tensor(n, TensorProto.INT64, [len(v)], v) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _file(folder: Path, path: str, content: bytes) -> FileEntry:
    write_bytes(folder / path, content)
    return FileEntry(path=path, sha256=sha256_of(folder / path), bytes=len(content))
