"""The folder of one session of the fleet: what it was asked, so that it can be gone on with, and what came of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from builder.errors import ZooError
from builder.explain import explain
from builder.files import write_bytes
from builder.records import Record
from timings.records import Uuid

_SESSION = "session.json"
_UNSENT = "unsent"


class SessionRecord(Record):
    """session.json. arguments: the command line, for a bare --resume."""

    version: Literal[1]
    fleet_id: Uuid
    arguments: Annotated[tuple[str, ...], Field(strict=False)]


@dataclass(frozen=True)
class Folder:
    """A session's folder; without a path nothing is written."""

    fleet_id: str
    path: Path | None

    def begin(self, arguments: Sequence[str]) -> None:
        """Write down what was asked, so that it can be gone on with. Raises ZooError if the folder cannot be written."""
        if self.path and not (self.path / _SESSION).exists():
            record = SessionRecord(version=1, fleet_id=self.fleet_id, arguments=tuple(arguments))
            write_bytes(self.path / _SESSION, record.model_dump_json(indent=1).encode() + b"\n")

    def keep_unsent(self, run: str) -> None:
        """A run that its page could not send, as JSON: it is sent at the end, and at the next --resume."""
        if self.path:
            write_bytes(self.path / _UNSENT / f"{json.loads(run)['run_id']}.json", run.encode())

    def unsent(self) -> list[Path]:
        """The runs that wait to be sent."""
        return sorted((self.path / _UNSENT).glob("*.json")) if self.path else []


def new_folder(out: Path | None) -> Folder:
    """A fresh session, which gets a folder of its own in `out` when it begins."""
    fleet_id = str(uuid.uuid4())
    return Folder(fleet_id, out / f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{fleet_id[:4]}" if out else None)


def found_folder(out: Path, which: Path | Literal[True]) -> tuple[Folder, tuple[str, ...]]:
    """The session to go on with, and its command line: the newest in `out`, or the one in that folder. Raises ZooError if there is none."""
    if which is True:
        sessions = sorted(out.glob(f"*/{_SESSION}"))
        if not sessions:
            raise _nothing(f"no session in {out}")
        path = sessions[-1].parent
    else:
        path = which
    try:
        record = SessionRecord.model_validate_json((path / _SESSION).read_bytes())
    except OSError as error:
        raise _nothing(f"{path / _SESSION}: {error.strerror}") from error
    except ValidationError as error:
        raise _nothing(f"{path / _SESSION}: {explain(error)}") from error
    return Folder(record.fleet_id, path), record.arguments


def _nothing(got: str) -> ZooError:
    return ZooError(
        "there is no session to go on with",
        got=got,
        expected="the folder of an interrupted session",
        next_step="name it: --resume DIR; or leave --resume out to begin anew",
    )
