"""Where a model's weights come from: the cache, the weights folder, the official URL, or a seed. Imports no torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from builder.download import OnBytes, UnreachableError, content_problem, download
from builder.errors import ZooError
from builder.fingerprints import Fingerprints
from builder.records import WeightsKind
from builder.spec import ModelSpec

Mode = Literal["auto", "pretrained", "seeded"]
SEED_ORIGIN = "seeded at random (seed 0), statistics calibrated on the shipped photograph and on noise"
_SUFFIXES = (".pth", ".pt", ".pytorch", ".safetensors")


@dataclass(frozen=True)
class Weights:
    """The choice that was made. `path`, `sha256` and `bytes` (the file's size) are None for seeded weights; `note` says why there is
    nothing better."""

    kind: WeightsKind
    path: Path | None
    origin: str
    sha256: str | None
    bytes: int | None
    note: str = ""


def cache_folder() -> Path:
    """Where downloads are kept: ZOO_CACHE_DIR, else the user's cache folder."""
    named = os.environ.get("ZOO_CACHE_DIR")
    return Path(named) if named else Path(platformdirs.user_cache_dir("browser-zoo"))


def weights_folder() -> Path | None:
    """The folder that ZOO_WEIGHTS_DIR names, or None. Raises ZooError if it is named and is not a folder."""
    named = os.environ.get("ZOO_WEIGHTS_DIR")
    if not named:
        return None
    if not Path(named).is_dir():
        raise ZooError(
            "ZOO_WEIGHTS_DIR does not name a folder",
            got=named,
            expected="a folder with files such as resnet50.pth",
            next_step="correct or unset ZOO_WEIGHTS_DIR",
        )
    return Path(named)


def find_local(spec: ModelSpec, fingerprints: Fingerprints) -> Weights | None:
    """The weights that this machine has already: the published file from the cache, else from the weights folder, else the
    weights folder's own file for this model (<id>.pth, .pt, .pytorch or .safetensors, then <weights_id>.pth and so on). A published
    file whose checksum is wrong is an error and never passed over."""
    try:
        return _find_local(spec, fingerprints, weights_folder())
    except OSError as error:
        raise ZooError(
            f"a weights file for {spec.id} cannot be read",
            got=f"{error.strerror}: {error.filename}",
            expected="a file that this user may read",
            next_step="correct its permissions, or move it out of the way",
        ) from error


def _find_local(spec: ModelSpec, fingerprints: Fingerprints, folder: Path | None) -> Weights | None:
    published = spec.weights.file_name
    for path in (cache_folder() / published, *((folder / published,) if folder else ())):
        if path.is_file():
            _check_published(spec, path, fingerprints)
            return _pretrained(path, spec.weights.url or f"file {published}", fingerprints)
    names = [f"{name}{suffix}" for name in (spec.id, spec.weights_id) if name for suffix in _SUFFIXES]
    for path in [folder / name for name in names] if folder else []:
        if path.is_file():
            return _pretrained(path, f"file {path.name} of the weights folder", fingerprints)
    return None


def resolve(spec: ModelSpec, mode: Mode, fingerprints: Fingerprints, on_bytes: OnBytes) -> Weights:
    """Choose the weights, fetching them if need be. Raises ZooError when a file is wrong, or when `mode` is "pretrained" and
    there is none to be had."""
    if mode == "seeded":
        return seeded("asked for with --weights seeded")
    found = find_local(spec, fingerprints)
    if found:
        return found
    source = spec.weights
    addresses = ((source.url,) if source.url else ()) + source.mirrors
    if not addresses:
        return _fall_back(spec, mode, source.instructions)
    path = cache_folder() / source.file_name
    try:
        download(addresses, path, size=source.bytes, checksums=source.checksums, on_bytes=on_bytes)
    except UnreachableError as error:
        return _fall_back(spec, mode, f"{error.what}: {error.got}")
    return _pretrained(path, addresses[0], fingerprints)


def seeded(note: str) -> Weights:
    """Weights made from a seed."""
    return Weights("seeded", None, SEED_ORIGIN, None, None, note)


def _fall_back(spec: ModelSpec, mode: Mode, why: str) -> Weights:
    if mode == "auto":
        return seeded(why)
    raise ZooError(
        f"no pretrained weights for {spec.id}",
        got=why,
        expected=f"{spec.weights.file_name} in {cache_folder()}, or {spec.id}.pth in the folder that ZOO_WEIGHTS_DIR names, or a network",
        next_step="put the file there, or build with --weights auto or --weights seeded",
    )


def _pretrained(path: Path, origin: str, fingerprints: Fingerprints) -> Weights:
    return Weights("pretrained", path, origin, fingerprints.digest(path), path.stat().st_size)


def _check_published(spec: ModelSpec, path: Path, fingerprints: Fingerprints) -> None:
    """Raise ZooError unless the file has the published size and checksums; digests are remembered for the next build."""
    source = spec.weights
    pairs = [checksum.split(":", 1) for checksum in source.checksums]
    if path.stat().st_size == (source.bytes or path.stat().st_size) and all(
        fingerprints.digest(path, algorithm).startswith(digits) for algorithm, digits in pairs
    ):
        return
    problem = content_problem(path, source.bytes, source.checksums)
    got, expected = problem or ("a file that changed while it was read", "one that stays as it is")
    raise ZooError(
        f"weights file {path.name} for {spec.id} is not the published one",
        got=f"{got} in {path}",
        expected=expected,
        next_step="delete it, so that it is fetched again; to use weights of your own, name the file "
        f"{spec.id}.pth and put it into the folder that ZOO_WEIGHTS_DIR names",
    )
