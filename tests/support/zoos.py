"""Models folders made of others."""

from __future__ import annotations

import shutil
from pathlib import Path

from builder import manifest
from builder.records import ModelEntry


def copied(names: tuple[str, ...], zoo: Path, folder: Path) -> Path:
    """A models folder of its own, so that the command may write into it."""
    whole = manifest.read(zoo)
    for entry in whole.models:
        for file in entry.files() if entry.id in names else ():
            (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(zoo / file.path, folder / file.path)
    models = tuple(_unobserved(m) for m in whole.models if m.id in names)
    manifest.write(folder, whole.model_copy(update={"models": models}))
    return folder


def _unobserved(entry: ModelEntry) -> ModelEntry:
    variants = tuple(v.model_copy(update={"observations": ()}) for v in entry.variants)
    return entry.model_copy(update={"variants": variants})
