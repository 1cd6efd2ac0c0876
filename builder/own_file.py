"""A user's ONNX file: read whole, with the weights that it keeps in files beside it, or refused in one clear message. No torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, TensorProto
from onnx.external_data_helper import ExternalDataInfo, load_external_data_for_model

from builder.errors import ZooError
from builder.onnx_facts import tensors

MOST_BYTES = 2**31 - 1  # protobuf's limit, and about that of a browser's ArrayBuffer
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive, as PyTorch's own files are: give python -m builder add module:function instead",
    b"\x89HDF": "an HDF5 file, as Keras writes them: convert it to ONNX first",
    b"<!DO": "an HTML page: the download gave a page in the file's place",
    b"<htm": "an HTML page: the download gave a page in the file's place",
    b"vers": "perhaps a pointer of Git LFS: run git lfs pull",
}


@dataclass(frozen=True)
class OwnFile:
    """`model` has all weights inside. `sha256` and `bytes` are the file's; where weights lie in other files, of all of them, in
    the order of their names after the file itself."""

    path: Path
    model: ModelProto
    sha256: str
    bytes: int


def read(path: Path) -> OwnFile:
    """The file and what it refers to. Raises ZooError when it is absent, cut off, no ONNX file, incomplete or over 2 GB."""
    size = _size(path)
    _check_size(path, size)
    content = path.read_bytes()
    model = _parse(path, content)
    external = sorted({info.location for info in map(ExternalDataInfo, _external(model))})
    if not external:
        return OwnFile(path, model, hashlib.sha256(content).hexdigest(), size)
    beside = [_beside(path, name) for name in external]
    total = size + sum(file.stat().st_size for file in beside)
    _check_size(path, total)
    _check_lengths(path, model)
    load_external_data_for_model(model, str(path.parent))
    return OwnFile(path, model, _digest([path, *beside]), total)


def _size(path: Path) -> int:
    try:
        if not path.is_file():
            raise ZooError(
                f"{path} is no file",
                got="a folder" if path.is_dir() else "nothing of that name",
                expected="an ONNX file",
                next_step="check the path; a network in PyTorch is given as module:function",
            )
        return path.stat().st_size
    except OSError as error:
        raise ZooError(
            f"{path} cannot be read",
            got=error.strerror or str(error),
            expected="an ONNX file that this user may read",
            next_step="check the path and its permissions",
        ) from error


def _check_size(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise ZooError(
            f"{path.name} is over 2 GB",
            got=f"{size:,} bytes with the weights that it refers to",
            expected=f"at most {MOST_BYTES:,}: one ONNX file of which a browser can hold the whole",
            next_step="store the weights as float16, or take a smaller network",
        )


def _parse(path: Path, content: bytes) -> ModelProto:
    try:
        model = ModelProto()
        model.ParseFromString(content)
        complete = bool(model.opset_import) and bool(model.graph.node)
    except DecodeError:
        complete = False
    if complete:
        return model
    hint = next((text for start, text in _OTHER_FORMATS.items() if content.startswith(start)), "")
    raise ZooError(
        f"{path.name} is not an ONNX file, or only a part of one",
        got=f"{len(content):,} bytes"
        + (f" that begin with {content[:8]!r}" if content else "")
        + (f" ({hint})" if hint else ""),
        expected="a whole ONNX model: its operator sets and a graph with at least one node",
        next_step="copy or export the file again",
    )


def _external(model: ModelProto) -> Iterable[TensorProto]:
    return (tensor for tensor in tensors(model) if tensor.data_location == TensorProto.EXTERNAL)


def _beside(path: Path, name: str) -> Path:
    folder = path.parent.resolve()
    file = (folder / name).resolve()
    if not name or not file.is_relative_to(folder):
        raise ZooError(
            f"{path.name} keeps weights outside its own folder",
            got=repr(name),
            expected="the name of a file beside it",
            next_step="save the model again with its weights inside, or beside it",
        )
    if not file.is_file():
        raise ZooError(
            f"{path.name} keeps its weights in {name}, which is not there",
            got=f"no {name} beside it",
            expected=f"{name} in the same folder",
            next_step=f"put {name} beside {path.name}, or save the model again with its weights inside",
        )
    return file


def _check_lengths(path: Path, model: ModelProto) -> None:
    """A file beside the model that was cut off would give weights of zeros or an obscure error later."""
    for tensor in _external(model):
        info = ExternalDataInfo(tensor)
        here = (path.parent / info.location).stat().st_size
        need = (info.offset or 0) + (info.length or 0)
        if here < need:
            raise ZooError(
                f"{info.location}, which holds weights of {path.name}, is cut off",
                got=f"{here:,} bytes",
                expected=f"at least {need:,}, where the tensor {tensor.name} ends",
                next_step="copy it again",
            )


def _digest(files: list[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()
