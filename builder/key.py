"""The key of a build: equal keys mean that building again would give the same files. Imports no torch."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.preprocess import PHOTOGRAPH
from builder.spec import ModelSpec

_PACKAGE = Path(__file__).parent
# What only chooses, shows or reads what others make; and the catalogue, whose records are in the key one by one.
_WITHOUT_INFLUENCE = {
    "__main__.py",
    "build_all.py",
    "catalogue.py",
    "commands.py",
    "download.py",
    "errors.py",
    "explain.py",
    "files.py",
    "fingerprints.py",
    "key.py",
    "manifest.py",
    "output.py",
    "progress.py",
    "weights.py",
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
    yield from sorted(p for p in _PACKAGE.glob("*.py") if p.name not in _WITHOUT_INFLUENCE)
    yield PHOTOGRAPH
    module = spec.constructor.split(":", maxsplit=1)[0]
    yield from sorted(_definition(module, set()))


def _definition(module: str, seen: set[Path]) -> set[Path]:
    """The file of a module of builder.models, and those that it imports from there."""
    path = _PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
    if not module.startswith("builder.models.") or not path.is_file() or path in seen:
        return seen
    seen.add(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                _definition(name, seen)
    return seen


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
