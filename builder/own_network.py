"""A user's network: a function of theirs that returns an nn.Module with its weights. Whatever it does wrong is told in one message
with the line of their code."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from builder.errors import ZooError
from builder.records import TensorType
from builder.reference import one_thread

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_NOT_THEIRS = tuple(
    str(Path(folder).resolve())
    for folder in {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        str(Path(__file__).parent),
    }
)
_TYPES = (torch.float32, torch.int64)


def load(reference: str) -> Flat:
    """The network that "module:function" returns, in eval mode. Modules of the current folder are found."""
    if not _REFERENCE.fullmatch(reference):
        raise ZooError(
            "no ONNX file and no function",
            got=reference,
            expected="a file, or module:function with a function that returns an nn.Module",
            next_step="for the function make_net in nets.py of this folder: python -m builder add nets:make_net --id NAME",
        )
    module_name, _, path = reference.partition(":")
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    function = _attribute(_imported(module_name), module_name, path)
    try:
        network = function() if callable(function) and not isinstance(function, nn.Module) else function
    except (Exception, SystemExit) as error:
        raise _failure(
            f"{reference} failed", error, "a function without arguments that returns an nn.Module"
        ) from error
    if not isinstance(network, nn.Module):
        raise ZooError(
            f"{reference} gives no network",
            got=f"a {type(network).__name__}",
            expected="an nn.Module, with its weights loaded",
            next_step=f"let {path} return the network itself",
        )
    return Flat(network).eval().requires_grad_(False)


class Flat(nn.Module):
    """The network with its outputs as a tuple of tensors, whatever list, tuple or dict they came in."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, data: Tensor) -> tuple[Tensor, ...]:
        """All output tensors, in the network's own order."""
        return tuple(_flat(self.network(data)))


def _flat(outputs: object) -> Iterator[Tensor]:
    if isinstance(outputs, Tensor):
        yield outputs
    elif isinstance(outputs, Mapping):
        for value in outputs.values():
            yield from _flat(value)
    elif isinstance(outputs, tuple | list):
        for value in outputs:
            yield from _flat(value)
    else:
        raise TypeError(f"the network gives a {type(outputs).__name__}, where tensors were expected")


def run(network: Flat, data: NDArray[np.float32]) -> list[NDArray[np.float32] | NDArray[np.int64]]:
    """The network's outputs. Raises ZooError where it fails on that input, or gives what is neither float32 nor int64."""
    try:
        with torch.inference_mode(), one_thread():
            outputs: tuple[Tensor, ...] = network(torch.from_numpy(data))
    except (Exception, SystemExit) as error:
        shape = "x".join(map(str, data.shape))
        expected = f"a network that takes one float32 tensor of {shape} and gives tensors"
        raise _failure(f"the network fails on an input of {shape}", error, expected, "try another --input") from error
    for place, output in enumerate(outputs):
        if output.dtype not in _TYPES:
            raise ZooError(
                f"output {place} of the network has another type",
                got=str(output.dtype).removeprefix("torch."),
                expected="float32 or int64",
                next_step="cast it in the network's forward",
            )
    if not outputs:
        raise ZooError(
            "the network has no output",
            got="nothing",
            expected="at least one tensor",
            next_step="let its forward return what it computes",
        )
    return [np.ascontiguousarray(output.numpy()) for output in outputs]


def digest(network: Flat) -> tuple[str, int]:
    """SHA-256 over the state dict (names, types, shapes and numbers, by name), and its bytes."""
    total, size = hashlib.sha256(), 0
    for name, tensor in sorted(network.network.state_dict().items()):
        numbers = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(numbers.data)
        size += numbers.nbytes
    return total.hexdigest(), size


def type_of(values: NDArray[Any]) -> TensorType:
    """The type's name in the manifest."""
    return "int64" if values.dtype == np.int64 else "float32"


def export_failure(error: BaseException) -> ZooError:
    """torch's own message is pages long; the cause has the reason in its first line, and the user's code in its trace."""
    chain = list(_chain(error))
    return _failure(
        "the network cannot be exported",
        chain[-1],
        "a graph that torch.export captures",
        "look for control flow that depends on data, or an operator without an ONNX form",
        trace=chain,
    )


def _imported(name: str) -> object:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = isinstance(error, ModuleNotFoundError) and name.startswith(error.name or "?")
        raise _failure(
            f"the module {name} cannot be imported",
            error,
            "a module of the current folder, or one that is installed",
            "run the command in the folder of that module" if missing else "correct that line",
        ) from error


def _attribute(module: object, module_name: str, path: str) -> object:
    found = module
    for name in path.split("."):
        if not hasattr(found, name):
            functions = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
            raise ZooError(
                f"the module {module_name} has no {path}",
                got="it has " + (", ".join(functions[:8]) or "no function at all"),
                expected="a function without arguments that returns an nn.Module",
                next_step="correct the name after the colon",
            )
        found = getattr(found, name)
    return found


def _failure(
    what: str,
    error: BaseException,
    expected: str,
    next_step: str = "correct that line",
    trace: list[BaseException] | None = None,
) -> ZooError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    got = f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
    place = next(filter(None, map(_own_line, trace or _chain(error))), "")
    return ZooError(
        what, got=got + (f"\n            at {place}" if place else ""), expected=expected, next_step=next_step
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, what caused that."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _own_line(error: BaseException) -> str:
    """The innermost line of the user's own code in the error's trace, or of a file of theirs that is no Python; else ""."""
    if isinstance(error, SyntaxError) and error.filename and not _is_library(error.filename):
        return f"line {error.lineno} of {Path(error.filename).name}: {(error.text or '').strip()}"
    own = [f for f in traceback.extract_tb(error.__traceback__) if not _is_library(f.filename)]
    return f"line {own[-1].lineno} of {Path(own[-1].filename).name}: {own[-1].line}" if own else ""


def _is_library(file: str) -> bool:
    return file.startswith("<") or str(Path(file).resolve()).startswith(_NOT_THEIRS)
