"""The key of a build: equal keys mean that building again would give the same files. Imports no torch."""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.preprocess import BLANK, PHOTOGRAPH
from builder.spec import ModelSpec

_PACKAGE = Path(__file__).parent
_FIRST = "builder.pipeline"
# What the stages import, but which has no hand in the result: it moves, reports or reads what others make.
_WITHOUT_INFLUENCE = {
    "builder.artefact",
    "builder.download",
    "builder.errors",
    "builder.explain",
    "builder.files",
    "builder.fingerprints",
    "builder.key",
    "builder.weights",
}
TOOLS = (
    *("torch", "torchvision", "onnx", "onnx-ir", "onnxscript", "onnxsim", "onnxruntime"),
    *("numpy", "pillow", "protobuf", "safetensors"),
)


def tool_versions() -> dict[str, str]:
    """The installed versions of the packages that have a hand in the files."""
    return {name: importlib.metadata.version(name) for name in TOOLS}


def build_key(spec: ModelSpec, weights_kind: str, weights_sha256: str | None, tools: dict[str, str]) -> str:
    """SHA-256 over the model's record, the code that builds it, its weights and the tools' versions."""
    parts = {
        "spec": _plain(spec),
        "sources": {p.relative_to(_PACKAGE).as_posix(): _digest(p) for p in _sources(spec)},
        "weights": [weights_kind, weights_sha256],
        "tools": tools,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _sources(spec: ModelSpec) -> Iterator[Path]:
    """The code that the stages run, the model's own definition, and the data that they read."""
    modules: set[str] = set()
    references = (spec.constructor, spec.labels, *([spec.weights.convert] if spec.weights.convert else []))
    for module in (_FIRST, *(reference.split(":", maxsplit=1)[0] for reference in references)):
        _reach(module, modules)
    yield from sorted(path for module in modules if (path := _file(module)))
    yield from (PHOTOGRAPH, BLANK, *sorted((_PACKAGE / "data" / "operators").glob("*.json")))


def _reach(module: str, seen: set[str]) -> None:
    """Add a module of the builder and all that it imports."""
    if module in seen or module in _WITHOUT_INFLUENCE or not module.startswith("builder.") or not _file(module):
        return
    seen.add(module)
    for name in _imports(module):
        _reach(name, seen)


def _file(module: str) -> Path | None:
    path = _PACKAGE.parent.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


@functools.cache
def _imports(module: str) -> tuple[str, ...]:
    """What a module of the builder imports anywhere in it, as "package.module", and "module.name" for what may be a module."""
    path = _file(module)
    assert path is not None
    names = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


@functools.cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plain(value: Any) -> Any:
    """A record as JSON holds it; a function is its name."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if callable(value):
        return f"{value.__module__}:{value.__qualname__}"
    return value
