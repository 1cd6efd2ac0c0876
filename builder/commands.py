"""The commands that look after what was built: verify it, remove it. None of them imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from builder import manifest
from builder.build_all import build_cache
from builder.catalogue import CATALOGUE_IDS
from builder.errors import ZooError
from builder.files import sha256_of
from builder.onnx_runtime import Case, verify_model
from builder.output import OutputFolder, locked
from builder.progress import Reporter
from builder.records import BackendName, FileEntry, Manifest, ModelEntry, Ssd
from builder.verify import describe


def verify_built(names: Sequence[str], out: Path, reporter: Reporter) -> list[ZooError]:
    """Check every file's hash and hold the ONNX files to their references again; return the failures. All models for no names."""
    failures = []
    whole = _manifest_for(names, out)
    for name in names or [m.id for m in whole.models]:
        try:
            _verify_model(_built(whole, name, out), out, reporter)
            reporter.finished(name, "verified")
        except ZooError as error:
            failures.append(error.within(f"{name}, stage verify"))
            reporter.failed(name, failures[-1])
    return failures


def verify_in_browser(
    names: Sequence[str], out: Path, browsers: Sequence[str], backends: Sequence[BackendName], reporter: Reporter
) -> list[ZooError]:
    """Run every file in these browsers, record what they did in the manifest, and return the failures."""
    from builder.in_browser import verify_in_browsers

    whole = _manifest_for(names, out)
    wanted = [_built(whole, name, out).id for name in names or [m.id for m in whole.models]]
    return verify_in_browsers(wanted, out, browsers, backends, reporter)


def clean(out: Path) -> list[str]:
    """Remove what the builder wrote into `out`."""
    if not out.exists():
        return []
    with locked(out):
        return OutputFolder(out, CATALOGUE_IDS).clean()


def clean_cache() -> list[str]:
    """Remove the builds that the cache keeps; downloaded weights stay."""
    return build_cache().clear()


def _manifest_for(names: Iterable[str], out: Path) -> Manifest:
    """The manifest in `out`. Raises ZooError where a name is neither the catalogue's nor built."""
    unknown = [name for name in names if name not in CATALOGUE_IDS]
    if not unknown:
        return manifest.read(out)
    built = [m.id for m in manifest.read(out).models] if (out / manifest.FILE_NAME).exists() else []
    unknown = [name for name in unknown if name not in built]
    if unknown:
        raise ZooError(
            "unknown model",
            got=", ".join(unknown),
            expected="one of " + ", ".join(dict.fromkeys([*CATALOGUE_IDS, *built])),
            next_step="run python -m builder list to see what there is",
        )
    return manifest.read(out)


def _built(whole: Manifest, name: str, out: Path) -> ModelEntry:
    entry = manifest.find(whole, name)
    if entry is None:
        raise ZooError(
            f"{name} is not built",
            got=f"{out / manifest.FILE_NAME} names " + (", ".join(m.id for m in whole.models) or "no model"),
            expected="a model that was built",
            next_step=f"run: python -m builder build {name}",
        )
    return entry


def _verify_model(entry: ModelEntry, out: Path, reporter: Reporter) -> None:
    reporter.stage(entry.id, "verify")
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
                    next_step=_again(entry.id),
                )
            reporter.note(f"{entry.id} {variant.name} on the {verification.reference}: {describe(verification)}")


def _again(model_id: str) -> str:
    if model_id in CATALOGUE_IDS:
        return f"build it anew: python -m builder build {model_id}"
    return f"add it again: python -m builder add ... --id {model_id}"


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
            next_step=_again(file.path.split("/")[0]),
        )
    return content


def _cases(entry: ModelEntry, contents: dict[str, bytes]) -> list[Case]:
    cases: list[Case] = []
    for reference in entry.references:
        try:
            tensors = load(contents[reference.path])
        except SafetensorError as error:
            raise ZooError(
                f"{reference.path} cannot be read",
                got=str(error),
                expected="safetensors",
                next_step=_again(entry.id),
            ) from error
        cases.append((reference.name, tensors[entry.input.name], {o.name: tensors[o.name] for o in entry.outputs}))
    return cases


def _priors(entry: ModelEntry, contents: dict[str, bytes]) -> NDArray[np.float32] | None:
    if not isinstance(entry.postprocessing, Ssd):
        return None
    priors: NDArray[np.float32] = load(contents[entry.postprocessing.priors.path])["priors"]
    return priors
