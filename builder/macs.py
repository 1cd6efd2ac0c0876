"""How much arithmetic an ONNX model is: the multiply-accumulate operations of one inference. Imports no torch.

Counted are convolutions and matrix products, which are all but a few per cent of a vision network's arithmetic; one multiplication
with its addition is one, biases are none. Each node's count is a product of sizes (`Product`). Where shapes depend on the data, or
nodes stand in the branches of an If or the body of a Loop, the same products are computed inside the graph while it runs once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from builder.onnx_facts import Shape, graphs, shapes, subgraphs


@dataclass(frozen=True)
class Product:
    """A count: the number of elements of tensor `whole`, times the dimensions start..stop of each tensor in `factors`."""

    whole: str
    factors: tuple[tuple[str, int, int | None], ...]


def macs(model: ModelProto, feeds: Mapping[str, NDArray[Any]] | None = None) -> int:
    """Multiply-accumulate operations of one inference.

    `feeds`, the inputs by name, are needed where shapes or control flow depend on data; without them such a model is a ValueError.
    """
    counted = [product for node in model.graph.node if (product := product_of(node))]
    known = shapes(model) if counted else {}
    if not _inside_nodes(model.graph):
        counts = [_static(product, known) for product in counted]
        if None not in counts:
            return sum(count for count in counts if count is not None)
    if feeds is None:
        raise ValueError("the multiplications of this model depend on its data, so its inputs are needed to count them")
    return _run(model, feeds)


def product_of(node: NodeProto) -> Product | None:
    """The node's count, or None for an operator that is not counted."""
    rule = _RULES.get(node.op_type) if node.domain in {"", "ai.onnx"} else None
    return rule(node) if rule else None


def _convolution(weight: int) -> Callable[[NodeProto], Product]:
    # The weight is (M, C / groups, k...): every output element takes C / groups x k... multiplications.
    return lambda node: Product(node.output[0], ((node.input[weight], 1, None),))


def _transposed(node: NodeProto) -> Product:
    # The weight is (C, M / groups, k...): every input element is multiplied by M / groups x k... numbers.
    return Product(node.input[0], ((node.input[1], 1, None),))


def _matmul(node: NodeProto) -> Product:
    return Product(node.output[0], ((node.input[0], -1, None),))


def _gemm(node: NodeProto) -> Product:
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return Product(node.output[0], ((node.input[0], 0, 1) if transposed else (node.input[0], 1, 2),))


def _einsum(node: NodeProto) -> Product:
    """Every element of the output sums over the letters that it does not have."""
    equation = next(a.s.decode() for a in node.attribute if a.name == "equation").replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    letters = left.replace(",", "").replace(".", "")
    kept = right if arrow else "".join(letter for letter in letters if letters.count(letter) == 1)
    factors: dict[str, tuple[str, int, int | None]] = {}
    for name, term in zip(node.input, terms, strict=True):
        before, _, after = term.partition("...")
        for place, letter in enumerate(before):
            factors.setdefault(letter, (name, place, place + 1))
        for place, letter in enumerate(after, start=-len(after)):
            factors.setdefault(letter, (name, place, place + 1 or None))
    return Product(node.output[0], tuple(factor for letter, factor in factors.items() if letter not in kept))


_RULES: dict[str, Callable[[NodeProto], Product]] = {
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "QLinearConv": _convolution(3),
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "Einsum": _einsum,
}


def _static(product: Product, known: Mapping[str, Shape]) -> int | None:
    """The count by known shapes, or None where one of them is not known."""
    sizes: list[int | None] = [*known.get(product.whole, (None,))]
    for name, start, stop in product.factors:
        sizes += known.get(name, (None,))[start:stop] if name in known else (None,)
    whole = [size for size in sizes if size is not None]
    return prod(whole) if len(whole) == len(sizes) else None


def _inside_nodes(graph: GraphProto) -> bool:
    """Whether nodes that count stand in a branch or a loop."""
    inner = itertools.islice(graphs(graph), 1, None)
    return any(product_of(node) for body in inner for node in body.node)


def _run(model: ModelProto, feeds: Mapping[str, NDArray[Any]]) -> int:
    """Run the model once with its counts as its only output."""
    counting = ModelProto()
    counting.CopyFrom(model)
    total = _Counting(counting.graph).total
    del counting.graph.output[:]
    counting.graph.output.append(helper.make_tensor_value_info(total, TensorProto.INT64, [1]))
    options = onnxruntime.SessionOptions()
    # Fused convolutions would lose the tensors that are counted.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(counting.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return int(session.run([total], dict(feeds))[0][0])


class _Counting:
    """Adds nodes to a graph that compute its count; `total` names the tensor with it, int64 of shape (1,)."""

    def __init__(self, graph: GraphProto, numbers: Iterable[int] | None = None) -> None:
        self._graph = graph
        self._numbers = iter(numbers or itertools.count())
        parts: list[str] = []
        for node in list(graph.node):
            product = product_of(node)
            parts += [self._product(product)] if product else self._inside(node)
        if not parts:
            zero = helper.make_tensor("", TensorProto.INT64, [1], [0])
            parts = [self._add("Constant", [], value=zero)]
        self.total = self._add("ReduceSum", [self._add("Concat", parts, axis=0)], keepdims=1)

    def _product(self, product: Product) -> str:
        sizes = [self._add("Shape", [product.whole])]
        for name, start, stop in product.factors:
            limits = {"start": start} | ({} if stop is None else {"end": stop})
            sizes.append(self._add("Shape", [name], **limits))
        return self._add("ReduceProd", [self._add("Concat", sizes, axis=0)], keepdims=1)

    def _inside(self, node: NodeProto) -> list[str]:
        """The count of the node's subgraphs as they are executed: an If's by the branch taken, a Loop's or Scan's turn by turn."""
        inner = list(subgraphs(node))
        if not any(product_of(n) for body in inner for part in graphs(body) for n in part.node):
            return []
        for body in inner:
            total = _Counting(body, self._numbers).total
            body.output.append(helper.make_tensor_value_info(total, TensorProto.INT64, [1]))
        for attribute in node.attribute:
            if attribute.name in {"scan_output_axes", "scan_output_directions"}:
                attribute.ints.append(0)
        name = self._name()
        node.output.append(name)  # from a loop: (turns, 1)
        flat = helper.make_tensor("", TensorProto.INT64, [1], [-1])
        return [self._add("Reshape", [name, self._add("Constant", [], value=flat)])]

    def _add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = self._name()
        self._graph.node.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def _name(self) -> str:
        return f"multiplications/{next(self._numbers)}"
