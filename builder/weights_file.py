"""Reading weights files. No code that a file carries is ever run.

A file may be safetensors, a pickled state dict, or (MLPerf's SSD-ResNet34) a pickled nn.Module. torch.load(weights_only=True)
refuses the last, and torch.load(weights_only=False) would run whatever the pickle names. So a pickled module is read by an
unpickler of ours that knows a few harmless functions of torch and turns every class of a network into an empty shell, from which
the tensors are then collected.
"""

from __future__ import annotations

import collections
import contextlib
import importlib
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from builder.errors import ZooError
from builder.spec import ModelSpec, load_function

# What a pickled module needs besides classes of networks. None of these runs code of the file's choosing.
_ALLOWED = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "Size"),
    ("torch", "device"),
    *(
        ("torch", f"{kind}Storage")
        for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
    ),
}
_SHELLS = ("torch.nn.", "torchvision.models.", "models.", "builder.models.")
_COUNTER = ".num_batches_tracked"
_BUILTIN_SHELLS = {("builtins", "set"), ("__builtin__", "set")}


def load_state_dict(path: Path, spec: ModelSpec) -> dict[str, Tensor]:
    """The tensors in a weights file, by key. Raises ZooError when it cannot be read, or only by running its code."""
    if _is_torchscript(path):
        raise ZooError(
            f"weights file {path.name} for {spec.id} is a TorchScript program",
            got="an archive with code, as torch.jit.save writes it",
            expected="a state dict or a network saved by torch.save, or safetensors",
            next_step="convert it where it is trusted: torch.save(torch.jit.load(file).state_dict(), 'converted.pth')",
        )
    try:
        content = load_file(path) if path.suffix == ".safetensors" else _load_pickle(path)
        content = dict(_tensors_of(content)) if isinstance(content, _Shell) else content
    except Exception as error:  # a damaged or hostile file can make a pickle machine raise anything
        raise ZooError(
            f"weights file {path.name} for {spec.id} cannot be read",
            got=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
            expected="a state dict or a network saved by torch.save, or safetensors",
            next_step="check that the file is whole; a file that needs code of its own can be converted where it is trusted: "
            "torch.save(torch.load(file, weights_only=False).state_dict(), 'converted.pth')",
        ) from error
    key = spec.weights.state_dict_key
    if key and isinstance(content, dict) and isinstance(content.get(key), dict):
        content = content[key]
    if not isinstance(content, dict) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()
    ):
        raise ZooError(
            f"weights file {path.name} for {spec.id} holds no state dict",
            got=type(content).__name__
            + (" with other things than tensors by name" if isinstance(content, dict) else ""),
            expected="tensors by key",
            next_step="save the network's state_dict() with torch.save",
        )
    return dict(content)


def fill(network: nn.Module, state: Mapping[str, Tensor], path: Path, spec: ModelSpec) -> None:
    """Copy the tensors into the network. Every key must be there, with the right shape, and none over.

    Files of 2018 and before have no num_batches_tracked counters; they have no part in inference and are set to 0.
    """
    wanted = network.state_dict()
    found = {k.removeprefix("module."): v for k, v in state.items()}
    if spec.weights.convert and found.keys() != wanted.keys():
        # A file that is not the one it was written for can make it fail anywhere; then the keys as they are say what is wrong.
        with contextlib.suppress(Exception):
            found = dict(load_function(spec.weights.convert)(found))
    if not any(k.endswith(_COUNTER) for k in wanted):  # frozen batch norms count nothing
        found = {k: v for k, v in found.items() if not k.endswith(_COUNTER)}
    found |= {k: v for k, v in wanted.items() if k.endswith(_COUNTER) and k not in found}
    missing = sorted(wanted.keys() - found.keys())
    unknown = sorted(found.keys() - wanted.keys())
    misshapen = sorted(k for k in wanted.keys() & found.keys() if wanted[k].shape != found[k].shape)
    problems = [
        f"{len(keys)} {what}: {', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''}"
        for what, keys in (("missing", missing), ("not known", unknown), ("of another shape", misshapen))
        if keys
    ]
    if problems:
        raise ZooError(
            f"weights file {path.name} does not fit {spec.id}",
            got="; ".join(problems),
            expected=f"the {len(wanted)} keys of {spec.constructor}",
            next_step="use the file that the catalogue names, or rename the keys",
        )
    network.load_state_dict({k: v.to(wanted[k].dtype) for k, v in found.items()}, strict=True)


def _is_torchscript(path: Path) -> bool:
    """Whether torch.load would take the file for TorchScript: it knows it by this entry too."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):  # no archive at all; whether it can be read shows when it is loaded
        return False


class _Shell:
    """Stands for an object of any network class: keeps its attributes, does nothing."""

    dump_patches = False  # torch asks for it when it reads its oldest format

    def __init__(self, *_: object, **__: object) -> None: ...

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return getattr(importlib.import_module(module), name)
        if (module, name) in _BUILTIN_SHELLS:
            return set
        if module.startswith(_SHELLS) or f"{module}." in _SHELLS:
            return _Shell
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not part of a network; nothing was run")


def _load_pickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        reader = SimpleNamespace(
            __name__="builder.weights_file", Unpickler=_Unpickler, load=lambda file, **kw: _Unpickler(file, **kw).load()
        )
        with warnings.catch_warnings():
            # The oldest format compares the source code it carries with the class at hand, which is our shell.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)


def _tensors_of(shell: _Shell, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The state dict of a pickled module: parameters and persistent buffers, depth first, as nn.Module.state_dict() names them."""
    state = vars(shell)
    transient = state.get("_non_persistent_buffers_set", set())
    for group in ("_parameters", "_buffers"):
        for name, tensor in state.get(group, collections.OrderedDict()).items():
            if isinstance(tensor, Tensor) and not (group == "_buffers" and name in transient):
                yield prefix + name, tensor.detach()
    for name, child in state.get("_modules", collections.OrderedDict()).items():
        if isinstance(child, _Shell):
            yield from _tensors_of(child, f"{prefix}{name}.")
