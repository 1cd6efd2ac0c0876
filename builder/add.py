"""python -m builder add and remove: users' own models in the models folder, beside the catalogue's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder import manifest, own_labels, processor
from builder.catalogue import CATALOGUE_IDS
from builder.errors import ZooError
from builder.key import tool_versions
from builder.output import OutputFolder, locked, prepare
from builder.progress import Reporter

if TYPE_CHECKING:
    from builder.own_model import PreprocessingName

_DEFAULT_SHAPE = (1, 3, 224, 224)


@dataclass(frozen=True)
class Addition:
    """What the command line asks for. `shape` and `dimensions` are None and empty where they were not given."""

    source: str
    id: str
    labels: Path | None
    shape: tuple[int, ...] | None
    dimensions: dict[str, int]
    preprocessing: PreprocessingName | None
    licence: str


def add(addition: Addition, out: Path, reporter: Reporter) -> list[ZooError]:
    """Bring the model into `out`, in place of an earlier one of that id; return the failure, if there was one.

    Raises ZooError for a request that makes no sense. Whatever fails, the folder stays as it was.
    """
    _check_id(addition.id)
    source = _source(addition)
    labels = own_labels.read(addition.labels) if addition.labels else None
    prepare(out)
    OutputFolder(out, CATALOGUE_IDS).check_readable()
    processor.pin()
    from builder.own_model import Own, build  # imports torch, for some seconds: not for a mistyped command

    own = Own(
        id=addition.id,
        source=source,
        labels=labels,
        shape=addition.shape or _DEFAULT_SHAPE,
        dimensions=addition.dimensions,
        preprocessing=addition.preprocessing,
        licence=addition.licence,
    )
    tools = tool_versions()
    try:
        artefact = build(own, tools, lambda stage: reporter.stage(own.id, stage))
        entry = OutputFolder(out, CATALOGUE_IDS).put(artefact)
    except ZooError as error:
        reporter.failed(own.id, error)
        return [error]
    size = sum(variant.bytes for variant in entry.variants) / 1e6
    reporter.finished(own.id, f"added as {entry.task}, {size:.1f} MB, verified against {entry.reference_runtime}")
    return []


def remove(name: str, out: Path, on_removed: Callable[[str], None]) -> None:
    """Take a model that was added out of the manifest, then its files. Raises ZooError when there is none of that id."""
    if name in CATALOGUE_IDS:
        raise ZooError(
            f"{name} is one of the catalogue's models",
            got=name,
            expected="a model that was added",
            next_step=f"delete {out} with python -m builder clean; python -m builder build NAME builds the ones you want",
        )
    with locked(out):
        whole = manifest.read(out)
        if manifest.find(whole, name) is None:
            added = ", ".join(m.id for m in whole.models if m.id not in CATALOGUE_IDS)
            raise ZooError(
                f"no model {name} was added",
                got=name,
                expected=f"one of {added}" if added else "a model that was added; there is none",
                next_step="run python -m builder list to see what there is",
            )
        OutputFolder(out, CATALOGUE_IDS).remove(name)
    on_removed(str(out / name))


def _check_id(model_id: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]{0,63}", model_id):
        raise ZooError(
            "the id is no good",
            got=repr(model_id),
            expected="1 to 64 small letters, digits and underscores, the first no underscore",
            next_step="give another --id",
        )
    if model_id in CATALOGUE_IDS:
        raise ZooError(
            f"{model_id} is the id of one of the catalogue's models",
            got=f"--id {model_id}",
            expected="an id of your own",
            next_step=f"give another --id, such as my_{model_id}",
        )


def _source(addition: Addition) -> Path | str:
    """The ONNX file, or "module:function". Raises ZooError where an option belongs to the other kind."""
    path = Path(addition.source)
    is_file = path.suffix != ".py" and (path.suffix == ".onnx" or "/" in addition.source or path.is_file())
    wrong, kind = ("--input", "a network from module:function") if is_file else ("--dim", "an ONNX file")
    if addition.shape if is_file else addition.dimensions:
        raise ZooError(
            f"{wrong} is for {kind}",
            got=f"{wrong} with {addition.source}",
            expected="an ONNX file, which states its input's shape; --dim NAME=SIZE fixes a symbolic dimension"
            if is_file
            else "--input SHAPE for a network",
            next_step=f"leave {wrong} out",
        )
    return path if is_file else addition.source
