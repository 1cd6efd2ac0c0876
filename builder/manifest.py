"""Reading and writing models/manifest.json. Imports no torch: the server, the fleet and a warm build read it at once."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from builder.errors import ZooError, explain
from builder.files import write_bytes
from builder.records import Manifest, ModelEntry

FILE_NAME = "manifest.json"


def read(folder: Path) -> Manifest:
    """The manifest in `folder`. Raises ZooError, naming the field, if there is none or it is not exactly one of ours."""
    path = folder / FILE_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ZooError(
            f"{path} cannot be read",
            got=error.strerror or str(error),
            expected="a manifest that the builder wrote",
            next_step="run: python -m builder all" + ("" if folder.name == "models" else f" --out {folder}"),
        ) from error
    return parse(content, str(path))


def parse(content: bytes, where: str) -> Manifest:
    """The manifest that `content` holds; `where` names it in errors."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ZooError(
            f"{where} is not a manifest of this version",
            got=explain(error),
            expected="a manifest as the builder writes it, schema_version 1",
            next_step="do not edit it by hand; run python -m builder all to write it anew",
        ) from error
    seen: set[str] = set()
    for model in manifest.models:
        if model.id in seen:
            raise ZooError(
                f"{where} names a model twice",
                got=model.id,
                expected="every id once",
                next_step="do not edit it by hand; run python -m builder all to write it anew",
            )
        seen.add(model.id)
    return manifest


def write(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in `folder` in one step."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write_bytes(folder / FILE_NAME, text.encode() + b"\n")


def find(manifest: Manifest, model_id: str) -> ModelEntry | None:
    """The entry of that model, or None."""
    return next((m for m in manifest.models if m.id == model_id), None)
