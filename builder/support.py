"""Will it run? An ONNX model held against what the pinned onnxruntime-web can do, before any browser has seen it.

docs/support.md says what the answers mean, what they rest on, and what they cannot know. Nothing here imports torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from onnx import ModelProto, TensorProto, helper

from builder import operator_tables
from builder.operator_tables import Kernel, KernelTable
from builder.records import BackendName, BackendSupport, Blocker, SupportStatus
from builder.support_documented import UNKNOWN, webgl_stop, webnn_runs
from builder.support_graph import Node, Scope, Value, external_tensors, scopes

_Reasons = Counter[tuple[str | None, str]]
_MOST_BYTES = 2**31 - 1  # a protobuf message, and an ArrayBuffer in most browsers
_LEAST_BINDING = 128 * 2**20  # maxStorageBufferBindingSize that WebGPU promises on every device
_MAY_GIVE_NOTHING = frozenset(("Compress", "NonMaxSuppression", "NonZero", "Unique"))


def predict(model: ModelProto, content_bytes: int) -> tuple[BackendSupport, ...]:
    """What each backend will do with a file of `content_bytes` bytes that holds `model`: wasm, webgpu, webgl, webnn, in this order.

    Where it is not known whether a backend runs something, the answer is "stops", and its reason says "not known to run".
    """
    whole = _of_the_file(model, content_bytes)
    graphs = scopes(model)
    return (
        _support("wasm", whole + _too_new(model), _wasm(graphs)),
        _support("webgpu", whole + _too_new(model), _webgpu(graphs), _webgpu_caveats(graphs)),
        _support("webgl", whole, _webgl(graphs)),
        _support("webnn", whole + _too_new(model), _webnn(graphs)),
    )


def _webgpu_caveats(graphs: Sequence[Scope]) -> tuple[str, ...]:
    """What may stop WebGPU on some devices or for some data, although the file itself runs there."""
    found = []
    if any(value.element == "float16" for scope in graphs for value in scope.values.values()):
        found.append("It holds float16 values: the adapter must have shader-f16.")
    largest = max((_bytes(value) for scope in graphs for value in scope.values.values()), default=0)
    if largest > _LEAST_BINDING:
        found.append(
            f"Its largest tensor has {largest} bytes: a device need not bind more than {_LEAST_BINDING} at once."
        )
    if any(_softmax_may_have_no_row(scope) for scope in graphs):
        found.append("A Softmax has as many rows as the data give it, and with no row at all WebGPU fails.")
    return tuple(found)


def _bytes(value: Value) -> int:
    kind = None if value.element is None else TensorProto.DataType.Value(value.element.upper())
    if kind is None or kind == TensorProto.STRING:
        return 0
    return (value.elements or 0) * helper.tensor_dtype_to_np_dtype(kind).itemsize


def _softmax_may_have_no_row(scope: Scope) -> bool:
    """Seen in 1.30.0: "Invalid dispatch group size (0, 1, 1)"."""
    may_be_empty: set[str] = set()
    for node in scope.nodes:
        if node.operator in _MAY_GIVE_NOTHING or may_be_empty & set(node.inputs):
            may_be_empty |= set(node.outputs)
        if (
            node.operator == "Softmax"
            and node.inputs[0] in may_be_empty
            and scope.value(node.inputs[0]).elements is None
        ):
            return True
    return False


def _support(
    backend: BackendName, whole: _Reasons, found: tuple[_Reasons, Counter[str]], caveats: tuple[str, ...] = ()
) -> BackendSupport:
    stops, falls_back = found
    reasons = whole + stops
    ordered = sorted(reasons.items(), key=lambda item: (item[0][0] or "", item[0][1]))
    blockers = tuple(Blocker(operator=operator, count=count, reason=reason) for (operator, reason), count in ordered)
    fallback = dict(sorted(falls_back.items()))
    status: SupportStatus = "stops" if blockers else "falls_back" if fallback else "runs"
    return BackendSupport(backend=backend, status=status, fallback=fallback, blockers=blockers, caveats=caveats)


def _of_the_file(model: ModelProto, content_bytes: int) -> _Reasons:
    """What no backend reads, whatever is in the graph."""
    reasons: _Reasons = Counter()
    if content_bytes > _MOST_BYTES:
        reasons[None, f"the file has {content_bytes} bytes; a browser reads at most {_MOST_BYTES}"] = 1
    elsewhere = external_tensors(model)
    if elsewhere:
        reasons[None, "the values of tensors are in other files; the page loads one file"] = elsewhere
    return reasons


def _too_new(model: ModelProto) -> _Reasons:
    reasons: _Reasons = Counter()
    limits = operator_tables.limits()
    if model.ir_version > limits.ir_version:
        reasons[None, f"it has IR version {model.ir_version}; the runtime reads up to {limits.ir_version}"] = 1
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if opset > limits.opset:
        reasons[None, f"it has opset {opset}; the runtime reads up to {limits.opset}"] = 1
    return reasons


def _wasm(graphs: Sequence[Scope]) -> tuple[_Reasons, Counter[str]]:
    table = operator_tables.kernels("wasm")
    stops: _Reasons = Counter()
    for scope in graphs:
        for node in scope.nodes:
            stops.update(_without_kernel(scope, node, _kernel(table, scope, node)))
    return stops, Counter()


def _webgpu(graphs: Sequence[Scope]) -> tuple[_Reasons, Counter[str]]:
    """A node runs on the GPU where there is a GPU kernel for it.

    onnxruntime also wants small computations that start from a shape to stay in WebAssembly; but it asks WebGPU twice, before and
    after it has changed the layout of images, and the second time that wish has no effect (seen in 1.30.0; a test holds on to it).
    """
    table = operator_tables.kernels("webgpu")
    stops: _Reasons = Counter()
    fallback: Counter[str] = Counter()
    for scope in graphs:
        for node in scope.nodes:
            kernel = _kernel(table, scope, node)
            stops.update(_without_kernel(scope, node, kernel))
            fallback[node.operator] += kernel.placement == "cpu"
    return stops, +fallback


def _webgl(graphs: Sequence[Scope]) -> tuple[_Reasons, Counter[str]]:
    """WebGL computes nothing beforehand and has nothing to fall back to."""
    stops: _Reasons = Counter()
    for name in sorted(graphs[0].inputs):
        shape = graphs[0].value(name).shape
        if shape is None or None in shape:
            stops[None, f"WebGL wants inputs of one shape, and that of {name!r} is open"] = 1
    for scope in graphs:
        for node in (*scope.nodes, *scope.folded):
            reason = webgl_stop(scope, node)
            if reason is not None:
                stops[node.operator, reason] += 1
    return stops, Counter()


def _webnn(graphs: Sequence[Scope]) -> tuple[_Reasons, Counter[str]]:
    """What WebNN does not take runs in WebAssembly, in the same build as WebGPU's."""
    stops: _Reasons = Counter()
    fallback: Counter[str] = Counter()
    for scope in graphs:
        for node in scope.nodes:
            if webnn_runs(scope, node):
                continue
            missing = list(_without_kernel(scope, node, _kernel(operator_tables.kernels("webgpu"), scope, node)))
            stops.update(missing)
            fallback[node.operator] += not missing
    return stops, +fallback


def _kernel(table: KernelTable, scope: Scope, node: Node) -> Kernel:
    return (
        Kernel("unknown", None) if node.opset is None else table.look_up(node.operator, node.opset, _types(scope, node))
    )


def _types(scope: Scope, node: Node) -> dict[str, str | None]:
    inputs = {f"i{place}": scope.value(name).element for place, name in enumerate(node.inputs)}
    return inputs | {f"o{place}": scope.value(name).element for place, name in enumerate(node.outputs)}


def _without_kernel(scope: Scope, node: Node, kernel: Kernel) -> Iterator[tuple[str, str]]:
    """Why a node stops everything, where it does."""
    domain, _, _ = node.operator.rpartition(":")
    if kernel.placement in ("cpu", "gpu"):
        return
    if node.opset is None:
        yield node.operator, f"the model imports no version of the domain {domain or 'ai.onnx'}"
    elif kernel.since_version is None and domain not in ("", "com.microsoft"):
        yield (
            node.operator,
            f"{UNKNOWN}: the domain {domain} is not in the tables; custom operators need a runtime of their own",
        )
    elif kernel.since_version is None:
        yield node.operator, f"{UNKNOWN}: the tables do not have it at opset {node.opset}"
    else:
        kinds = ", ".join(dict.fromkeys(kind for kind in _types(scope, node).values() if kind)) or "these element types"
        start = "there is no kernel for it" if kernel.placement == "none" else f"{UNKNOWN}: it was not asked for"
        yield node.operator, f"{start} as defined in opset {kernel.since_version} with {kinds}"
