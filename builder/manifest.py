"""Reading and writing models/manifest.json. Imports no torch: the server, the fleet and a warm build read it at once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from builder.errors import ZooError
from builder.explain import explain
from builder.files import write_bytes
from builder.records import Manifest, ModelEntry

FILE_NAME = "manifest.json"
CHECKSUM = "content_sha256"


def read(folder: Path) -> Manifest:
    """The manifest in `folder`. Raises ZooError, naming the field, if there is none or it is not exactly one of ours."""
    return parse(read_content(folder), str(folder / FILE_NAME))


def read_content(folder: Path) -> bytes:
    """The manifest's bytes, for `parse`. Raises ZooError if there are none."""
    path = folder / FILE_NAME
    try:
        return path.read_bytes()
    except OSError as error:
        raise ZooError(
            f"{path} cannot be read",
            got=error.strerror or str(error),
            expected="a manifest that the builder wrote",
            next_step="run: python -m builder all" + ("" if folder.name == "models" else f" --out {folder}"),
        ) from error


def parse(content: bytes, where: str) -> Manifest:
    """The manifest that `content` holds; `where` names it in errors."""
    content = _without_checksum(content, where)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ZooError(
            f"{where} is not a manifest of this version",
            got=explain(error),
            expected="a manifest as the builder writes it, schema_version 2",
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
    content = manifest.model_dump(mode="json")
    text = json.dumps({CHECKSUM: _checksum(content), **content}, indent=1, ensure_ascii=False)
    write_bytes(folder / FILE_NAME, text.encode() + b"\n")


def find(manifest: Manifest, model_id: str) -> ModelEntry | None:
    """The entry of that model, or None."""
    return next((m for m in manifest.models if m.id == model_id), None)


def _checksum(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_checksum(content: bytes, where: str) -> bytes:
    """The content less its checksum of itself, which is how an edit by hand shows: tolerances are not to be tuned there."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return content  # the strict parser says what is wrong
    if not isinstance(whole, dict) or whole.get("schema_version") != 2:
        return content
    found = whole.pop(CHECKSUM, None)
    if found != _checksum(whole):
        raise ZooError(
            f"{where} was changed after the builder wrote it",
            got=f"{CHECKSUM} {str(found)[:12]}...",
            expected=f"{_checksum(whole)[:12]}... for this content",
            next_step="do not edit it by hand; run python -m builder all to write it anew",
        )
    return json.dumps(whole).encode()
