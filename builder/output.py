"""The output folder. Writing manifest.json is the one moment at which a build takes effect; a kill before or after it does no harm.

A file that the present manifest names is never overwritten with other content: a changed file gets a name of its own beside it
("fp32-1a2b3c4d.onnx"), the new manifest names that, and then the old file is removed. So manifest and files agree at all times,
also for a server that is running meanwhile.

Several builders may work in one folder. The bytes are written to temporary files at leisure; then, with the folder's lock held for a
moment, the manifest is read again, the files get their names, and the manifest with this one entry changed is written.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from builder import cards, manifest
from builder.artefact import Artefact
from builder.errors import ZooError
from builder.files import PARTIAL, cannot_be_written, make_durable, remove_left_overs, staged, write_bytes
from builder.fingerprints import Fingerprints
from builder.records import FileEntry, Manifest, ModelEntry, Ssd

_LOCK = ".builder.lock"


class OutputFolder:
    """models/, as a builder sees it. `order` is the catalogue's ids: the order of models in the manifest.

    `unreadable` is why the manifest that was found could not be used, else None.
    """

    def __init__(self, path: Path, order: tuple[str, ...]) -> None:
        self.path = path
        self._order = order
        self.unreadable: ZooError | None = None
        self._models: dict[str, ModelEntry] = {}
        self._read()

    def entry(self, model_id: str) -> ModelEntry | None:
        """What the manifest says of that model."""
        return self._models.get(model_id)

    def damage(self, entry: ModelEntry, fingerprints: Fingerprints) -> str | None:
        """The first file of `entry` that is missing or not what the manifest says, in words; None if all are as they should be."""
        for file in entry.files():
            path = self.path / file.path
            if not path.is_file():
                return f"{file.path} is missing"
            if path.stat().st_size != file.bytes or fingerprints.digest(path) != file.sha256:
                return f"{file.path} is not the file that was built"
        return None

    def put(self, artefact: Artefact, tools: dict[str, str]) -> ModelEntry:
        """Write the artefact's files and put its entry into the manifest, in one step; return the entry as it stands there.

        What browsers were seen to do with a file of the same content stays with it. Raises ZooError when the folder cannot be
        written; then what was there before still stands.
        """
        with contextlib.ExitStack() as stack:
            temporaries = {path: stack.enter_context(staged(self.path / path)) for path in artefact.files}
            for path, content in artefact.files.items():
                try:
                    temporaries[path].write_bytes(content)
                    make_durable(temporaries[path])
                except OSError as error:
                    raise cannot_be_written(self.path / path, error) from error
            with locked(self.path):
                self._read()
                entry = _with_observations(artefact.entry, self._models.get(artefact.entry.id))
                names = {file.path: self._free_name(file) for file in entry.files()}
                entry = _renamed(entry, names)
                try:
                    for path, temporary in temporaries.items():
                        temporary.replace(self.path / names[path])
                    self._write(entry, tools)
                except (OSError, ZooError) as error:
                    self._remove_unnamed(entry.id)
                    raise error if isinstance(error, ZooError) else cannot_be_written(self.path, error) from error
                self._remove_unnamed(entry.id)
        return entry

    def commit(self, entry: ModelEntry, tools: dict[str, str]) -> None:
        """Change the manifest's entry of a model whose files are there already. Raises ZooError where one is not."""
        with locked(self.path):
            self._read()
            for file in entry.files():
                path = self.path / file.path
                if not path.is_file() or path.stat().st_size != file.bytes:
                    raise ZooError(
                        f"{entry.id} was built anew meanwhile",
                        got=f"{file.path} is not there any more with {file.bytes} bytes",
                        expected="the files that the entry names",
                        next_step="run the command again",
                    )
            self._write(entry, tools)
            self._remove_unnamed(entry.id)

    def clean(self) -> list[str]:
        """Remove the manifest and the folders of all models, and nothing else; return what was removed."""
        removed = []
        for name in (manifest.FILE_NAME, *sorted({*self._order, *self._models})):
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
            else:
                continue
            removed.append(str(path))
        return removed

    def _read(self) -> None:
        self._models, self.unreadable = {}, None
        if (self.path / manifest.FILE_NAME).exists():
            try:
                self._models = {m.id: m for m in manifest.read(self.path).models}
            except ZooError as error:
                self.unreadable = error

    def _free_name(self, file: FileEntry) -> str:
        """The file's path, or one beside it where a file that the manifest names has that path and other content."""
        if not any(f.path == file.path and f.sha256 != file.sha256 for m in self._models.values() for f in m.files()):
            return file.path
        folder, _, name = file.path.rpartition("/")
        stem, dot, suffix = name.partition(".")
        return f"{folder}/{stem}-{file.sha256[:8]}{dot}{suffix}"

    def _write(self, entry: ModelEntry, tools: dict[str, str]) -> None:
        """Put the entry into the manifest, and its card beside its files."""
        changed = {**self._models, entry.id: entry}
        rank = {name: place for place, name in enumerate(self._order)}
        models = sorted(changed.values(), key=lambda m: (rank.get(m.id, len(rank)), m.id))
        write_bytes(self.path / entry.id / cards.FILE_NAME, cards.card(entry, tools).encode())
        manifest.write(self.path, Manifest(schema_version=2, tools=tools, models=tuple(models)))
        self._models = changed

    def _remove_unnamed(self, model_id: str) -> None:
        """Remove files of that model that the manifest does not name (any more)."""
        entry = self._models.get(model_id)
        named = {f"{model_id}/{cards.FILE_NAME}", *(file.path for file in entry.files())} if entry else set()
        for path in (self.path / model_id).iterdir():
            # A temporary file may be another builder's, who is about to put the same model here.
            if path.is_file() and f"{model_id}/{path.name}" not in named and not path.name.endswith(PARTIAL):
                with contextlib.suppress(OSError):  # one that is in use (Windows) goes the next time
                    path.unlink()


def prepare(path: Path) -> None:
    """Make the output folder and clear it of what killed builders have left. Raises ZooError when it cannot be written."""
    with locked(path):
        remove_left_overs([*path.glob(f".*{PARTIAL}"), *path.glob(f"*/.*{PARTIAL}")])


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the output folder for this process, for a moment: others wait. Raises ZooError when it cannot be written."""
    lock = FileLock(path / _LOCK)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise ZooError(
            f"the output folder {path} cannot be written",
            got=error.strerror or str(error),
            expected="a folder that this user may create and write to",
            next_step="choose another one with --out",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _with_observations(entry: ModelEntry, before: ModelEntry | None) -> ModelEntry:
    """An observation is one of a file: it holds as long as a variant's content does."""
    seen = {v.sha256: v.observations for v in before.variants} if before else {}
    variants = tuple(
        v if v.observations else v.model_copy(update={"observations": seen.get(v.sha256, ())}) for v in entry.variants
    )
    return entry.model_copy(update={"variants": variants})


def _renamed(entry: ModelEntry, names: dict[str, str]) -> ModelEntry:
    """The entry with other paths for its files."""

    def moved(file: FileEntry) -> FileEntry:
        return file.model_copy(update={"path": names[file.path]})

    rule = entry.postprocessing
    return entry.model_copy(
        update={
            "labels": moved(entry.labels),
            "references": tuple(moved(r) for r in entry.references),
            "variants": tuple(moved(v) for v in entry.variants),
            "postprocessing": rule.model_copy(update={"priors": moved(rule.priors)}) if isinstance(rule, Ssd) else rule,
        }
    )
