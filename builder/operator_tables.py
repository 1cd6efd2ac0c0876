"""What the pinned onnxruntime-web does with each operator: builder/data/operators/*.json, read. docs/support.md says how they are made."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

# "gpu": WebGPU has a kernel for it; "cpu": only WebAssembly has; "none": neither has; "unknown": nobody could ask.
Placement = Literal["gpu", "cpu", "none", "unknown"]

_FOLDER = Path(__file__).parent / "data" / "operators"
_KNOWN: tuple[Placement, ...] = ("gpu", "cpu", "none")


@dataclass(frozen=True)
class Kernel:
    """What a runtime has for one operator with certain element types.

    since_version: of the definition in force, None where the operator is not known at all.
    """

    placement: Placement
    since_version: int | None


@dataclass(frozen=True)
class Documented:
    """A row of an operator document. `opsets` are first and last, None for "and above"."""

    opsets: tuple[tuple[int, int | None], ...]
    ranks: tuple[int, ...] = ()
    constant_inputs: tuple[int, ...] = ()
    tried: Mapping[str, str | None] | None = None

    def holds_for(self, opset: int) -> bool:
        """Whether the document promises the operator for models of this opset."""
        return any(first <= opset and (last is None or opset <= last) for first, last in self.opsets)


@dataclass(frozen=True)
class KernelTable:
    """One table that was made by asking the runtime."""

    version: str
    letters: Mapping[str, str]
    operators: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def look_up(self, operator: str, opset: int, types: Mapping[str, str | None]) -> Kernel:
        """The kernel for a node of `operator` ("com.microsoft:Op" outside ai.onnx) in a model that imports `opset` of its domain.

        types: element type names ("float", "int64") by place ("i0", "o0"); None or missing where the node has nothing there or the
            type is not known. Then the answer is one only if it is the same for all types.
        """
        versions = self.operators.get(operator, {})
        since = max((int(version) for version in versions if int(version) <= opset), default=None)
        if since is None:
            return Kernel("unknown", None)  # not in the table, or only in newer opsets
        entry = versions[str(since)]
        places = entry["typed_by"]
        words = {
            "".join(word) for word in itertools.product(*(self._letters(places, i, types) for i in range(len(places))))
        }
        found = {placement for placement in _KNOWN if words & set(entry.get(placement, "-").split(" "))}
        return Kernel(found.pop() if len(found) == 1 else "unknown", since)

    def _letters(self, places: list[str], place: int, types: Mapping[str, str | None]) -> str:
        """The letter for what is at a place; all of them where that is not known, none for a type that was not asked for."""
        kind = types.get(places[place])
        return "".join(self.letters.values()) if kind is None else self.letters.get(kind, "")


@dataclass(frozen=True)
class Limits:
    """The newest that the runtime reads."""

    opset: int
    ir_version: int


@functools.cache
def kernels(name: Literal["wasm", "webgpu"]) -> KernelTable:
    """The table of the WebAssembly build, or of the native WebGPU build."""
    table = _read(name)
    return KernelTable(
        table["onnxruntime_web"], {kind: letter for letter, kind in table["types"].items()}, table["operators"]
    )


@functools.cache
def limits() -> Limits:
    """The newest opset and IR version."""
    table = _read("wasm")
    return Limits(table["newest_opset"], table["newest_ir_version"])


@functools.cache
def documented(name: Literal["webgl", "webnn"]) -> Mapping[str, Documented]:
    """The rows of an operator document by operator, for WebGL with what became of each operator when it was run."""
    return {
        operator: Documented(
            tuple((first, last) for first, last in row["opsets"]),
            tuple(row.get("ranks", ())),
            tuple(row.get("constant_inputs", ())),
            row.get("tried"),
        )
        for operator, row in _read(name)["operators"].items()
    }


@functools.cache
def version(name: str) -> str:
    """The onnxruntime-web release that a table is of."""
    return str(_read(name)["onnxruntime_web"])


@functools.cache
def _read(name: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return table
