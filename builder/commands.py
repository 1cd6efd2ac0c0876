"""The commands other than building: list what there is, verify what was built, remove it. None of them imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Column, Table
from safetensors import SafetensorError
from safetensors.numpy import load

from builder import manifest
from builder.build_all import CATALOGUE_IDS
from builder.catalogue import CATALOGUE
from builder.errors import ZooError
from builder.files import sha256_of
from builder.fingerprints import Fingerprints
from builder.output import OutputFolder, locked
from builder.progress import Reporter
from builder.records import FileEntry, ModelEntry, Ssd
from builder.verify import describe
from builder.weights import cache_folder, find_local


def catalogue_table(out: Path) -> Table:
    """One row a model: what it is, and whether it is built."""
    folder = OutputFolder(out, CATALOGUE_IDS)
    fingerprints = Fingerprints(cache_folder() / "fingerprints.json")
    table = Table(Column("id", no_wrap=True), "title", "task", "input", "parameters", "weights at hand", "built")
    for spec in CATALOGUE:
        entry = folder.entry(spec.id)
        try:
            found = find_local(spec, fingerprints)
            at_hand = (
                found.origin if found else ("none yet: fetched when reachable" if spec.weights.url else "none: seeded")
            )
        except ZooError as error:
            at_hand = error.what
        table.add_row(
            spec.id,
            spec.title,
            spec.task,
            "x".join(map(str, spec.input.shape)),
            f"{spec.parameters:,}",
            at_hand,
            f"{entry.weights.kind} weights" if entry else "no",
        )
    return table


def verify_built(names: Iterable[str], out: Path, reporter: Reporter) -> list[ZooError]:
    """Check every file's hash and hold the ONNX files to their references again; return the failures."""
    from builder.onnx_runtime import verify_model

    whole = manifest.read(out)
    wanted = list(names) or [m.id for m in whole.models]
    failures = []
    for name in wanted:
        entry = manifest.find(whole, name)
        try:
            if entry is None:
                raise ZooError(
                    f"{name} is not built",
                    got=f"{out / manifest.FILE_NAME} names " + (", ".join(m.id for m in whole.models) or "no model"),
                    expected="a model that was built",
                    next_step=f"run: python -m builder build {name}",
                )
            reporter.stage(name, "verify")
            contents = {file.path: _checked(out, file) for file in entry.files()}
            for variant in entry.variants:
                for verification in verify_model(
                    contents[variant.path],
                    entry.input.name,
                    _cases(entry, contents),
                    variant.tolerances,
                    entry.postprocessing,
                    _priors(entry, contents),
                ):
                    if not verification.passed:
                        raise ZooError(
                            f"{variant.path} fails on the {verification.reference} with {verification.runtime}",
                            got=describe(verification),
                            expected="every output within its tolerance, and the same result",
                            next_step=f"build it anew: python -m builder build {name}",
                        )
                    reporter.note(f"{name} {variant.name} on the {verification.reference}: {describe(verification)}")
            reporter.finished(name, "verified")
        except ZooError as error:
            failures.append(error.within(f"{name}, stage verify"))
            reporter.failed(name, failures[-1])
    return failures


def clean(out: Path) -> list[str]:
    """Remove what the builder wrote into `out`."""
    if not out.exists():
        return []
    with locked(out):
        return OutputFolder(out, CATALOGUE_IDS).clean()


def _checked(out: Path, file: FileEntry) -> bytes:
    path = out / file.path
    try:
        digest = sha256_of(path)
        content = path.read_bytes()
    except OSError as error:
        digest, content = f"{error.strerror}", b""
    if digest != file.sha256:
        raise ZooError(
            f"{path} is not the file that was built",
            got=f"sha256 {digest}",
            expected=f"sha256 {file.sha256}",
            next_step=f"build it anew: python -m builder build {file.path.split('/')[0]}",
        )
    return content


def _cases(
    entry: ModelEntry, contents: dict[str, bytes]
) -> list[tuple[str, NDArray[np.float32], dict[str, NDArray[np.float32]]]]:
    cases = []
    for reference in entry.references:
        try:
            tensors = load(contents[reference.path])
        except SafetensorError as error:
            raise ZooError(
                f"{reference.path} cannot be read",
                got=str(error),
                expected="safetensors",
                next_step=f"build it anew: python -m builder build {entry.id}",
            ) from error
        cases.append((reference.name, tensors[entry.input.name], {o.name: tensors[o.name] for o in entry.outputs}))
    return cases


def _priors(entry: ModelEntry, contents: dict[str, bytes]) -> NDArray[np.float32] | None:
    if not isinstance(entry.postprocessing, Ssd):
        return None
    priors: NDArray[np.float32] = load(contents[entry.postprocessing.priors.path])["priors"]
    return priors
