"""From a PyTorch network to an ONNX model without a trace of the machine that made it."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from builder.errors import ZooError
from builder.records import OutputEntry
from builder.spec import ModelSpec

# 18 is what the exporter's own function library is written in; nothing is converted afterwards. Anything from 17 to 20 runs in
# onnxruntime-web; from 22 on RoiAlign has no CPU kernel and WebGPU loses pooling to the CPU.
OPSET = 18
_PRODUCER = "browser-zoo"


def export(network: nn.Module, spec: ModelSpec) -> onnx.ModelProto:
    """The network as one self-contained ONNX model with the spec's input and output names. Raises ZooError when it cannot be captured."""
    capture = _by_tracing if spec.exporter == "torchscript" else _by_torch_export
    model = capture(network.eval(), torch.zeros(spec.input.shape), spec.input.name, spec.outputs)
    clean(model)
    return model


def _by_torch_export(
    network: nn.Module, example: torch.Tensor, input_name: str, outputs: Sequence[OutputEntry]
) -> onnx.ModelProto:
    try:
        with _quiet():
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[input_name],
                output_names=[o.name for o in outputs],
                external_data=False,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise ZooError(
            "the network cannot be exported",
            got=str(error).strip().splitlines()[0],
            expected=f"a graph that torch.export captures and opset {OPSET} can express",
            next_step="look for control flow that depends on data, or an operator without an ONNX form",
        ) from error
    assert program is not None
    return program.model_proto


def _by_tracing(
    network: nn.Module, example: torch.Tensor, input_name: str, outputs: Sequence[OutputEntry]
) -> onnx.ModelProto:
    """The older exporter: it follows one example, and keeps as branches and symbolic sizes what torchvision's detectors script."""
    sizes = {o.name: {axis: f"{o.name}_{axis}" for axis, side in enumerate(o.shape) if side is None} for o in outputs}
    with tempfile.TemporaryDirectory(prefix="zoo-export-") as folder, _quiet():
        file = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (example,),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=[o.name for o in outputs],
            dynamic_axes={name: axes for name, axes in sizes.items() if axes},
        )
        return onnx.load(file)


def clean(model: onnx.ModelProto) -> None:
    """Remove what tells of the machine and the moment: the exporter writes absolute source paths into nodes and values."""
    model.producer_name, model.producer_version = _PRODUCER, ""
    model.domain, model.doc_string = "", ""
    _drop_unused_initializers(model.graph)
    graph = model.graph
    graph.name, graph.doc_string = "main", ""
    del model.metadata_props[:]
    del graph.metadata_props[:]
    del graph.value_info[:]  # shapes in between can be inferred again
    for part in _with_subgraphs(graph):
        part.doc_string = ""
        for item in (*part.node, *part.input, *part.output, *part.initializer):
            item.doc_string = ""
            del item.metadata_props[:]


def _drop_unused_initializers(graph: onnx.GraphProto) -> None:
    """What folding left behind: onnxruntime warns of each at every start."""
    used = {name for part in _with_subgraphs(graph) for node in part.node for name in node.input}
    used |= {value.name for part in _with_subgraphs(graph) for value in part.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    if len(kept) < len(graph.initializer):
        del graph.initializer[:]
        graph.initializer.extend(kept)


def _with_subgraphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and the bodies of its If, Loop and Scan nodes, however deep."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _with_subgraphs(attribute.g)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress lines and deprecation notices of its own internals away from our output; errors still raise."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
