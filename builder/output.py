"""The output folder. Writing manifest.json is the one moment at which a build takes effect; a kill before or after it does no harm.

A file that the present manifest names is never overwritten with other content: a changed file gets a name of its own beside it
("fp32-1a2b3c4d.onnx"), the new manifest names that, and then the old file is removed. So manifest and files agree at all times,
also for a server that is running meanwhile.

A file that neither this nor an earlier build has made is the user's own: it is neither overwritten nor removed.

Several builders may work in one folder. The bytes are written to temporary files at leisure; then, with the folder's lock held for a
moment, the manifest is read again, the files get their names, and the manifest with this one entry changed is written.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from filelock import FileLock

from builder import cards, manifest
from builder.artefact import Artefact
from builder.errors import ZooError
from builder.files import (
    PARTIAL,
    cannot_be_written,
    make_durable,
    remove_left_overs,
    replaced,
    sha256_of,
    staged,
    write_bytes,
)
from builder.fingerprints import Fingerprints
from builder.records import FileEntry, Manifest, ModelEntry, Ssd

_LOCK = ".builder.lock"
_LEFT_OVERS = (f".*{PARTIAL}", f"*/.*{PARTIAL}")
_SET_ASIDE = f"{manifest.FILE_NAME}.unreadable"


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

    def added(self) -> list[ModelEntry]:
        """The entries of models that are not the catalogue's."""
        return [entry for model_id, entry in self._models.items() if model_id not in self._order]

    def damage(self, entry: ModelEntry, fingerprints: Fingerprints) -> str | None:
        """The first file of `entry` that is missing or not what the manifest says, in words; None if all are as they should be."""
        for file in entry.files():
            path = self.path / file.path
            if not path.is_file():
                return f"{file.path} is missing"
            if path.stat().st_size != file.bytes or fingerprints.digest(path) != file.sha256:
                return f"{file.path} is not the file that was built"
        return None

    def put(self, artefact: Artefact) -> ModelEntry:
        """Write the artefact's files and put its entry into the manifest, in one step; return the entry as it stands there.

        What browsers were seen to do with a file of the same content stays with it. Raises ZooError when the folder cannot be
        written, or its manifest cannot be read; then what was there before still stands.
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
                self.check_readable()
                before = self._models.get(artefact.entry.id)
                entry = _with_observations(artefact.entry, before)
                names = {file.path: self._free_name(file) for file in entry.files()}
                entry = _renamed(entry, names)
                made = []
                try:
                    for path, temporary in temporaries.items():
                        target = self.path / names[path]
                        made += [] if target.exists() else [target]
                        temporary.replace(target)
                    self._write(entry)
                except (OSError, ZooError) as error:
                    _unlink(made)
                    raise error if isinstance(error, ZooError) else cannot_be_written(self.path, error) from error
                self._remove_replaced(before, entry)
        return entry

    def commit(self, entry: ModelEntry) -> None:
        """Change the manifest's entry of a model whose files are there already. Raises ZooError where one is not."""
        with locked(self.path):
            self._read()
            self.check_readable()
            before = self._models.get(entry.id)
            for file in entry.files():
                path = self.path / file.path
                if not path.is_file() or path.stat().st_size != file.bytes:
                    raise ZooError(
                        f"{entry.id} was built anew meanwhile",
                        got=f"{file.path} is not there any more with {file.bytes} bytes",
                        expected="the files that the entry names",
                        next_step="run the command again",
                    )
            self._write(entry)
            self._remove_replaced(before, entry)

    def mend_card(self, entry: ModelEntry) -> str | None:
        """Write the model's card anew where it is missing or not that of `entry`; say in words which it was, None if neither.

        Raises ZooError when the folder cannot be written.
        """
        path, content = self.path / entry.id / cards.FILE_NAME, cards.card(entry).encode()
        with contextlib.suppress(OSError):  # it is missing, or no file that can be read
            if path.read_bytes() == content:
                return None
        with locked(self.path):
            self._read()
            if self._models.get(entry.id) != entry:
                return None  # another builder has put it anew meanwhile, with its card
            problem = "is not that of the build" if path.exists() else "is missing"
            write_bytes(path, content)
        return f"{entry.id}/{cards.FILE_NAME} {problem}"

    def remove(self, model_id: str) -> None:
        """Take a model out of the manifest, then remove its files. The caller holds the folder's lock."""
        entry = self._models[model_id]
        whole = manifest.read(self.path)
        kept = tuple(model for model in whole.models if model.id != model_id)
        manifest.write(self.path, whole.model_copy(update={"models": kept}))
        del self._models[model_id]
        _unlink(self.path / name for name in _named(entry))
        self._remove_empty(model_id)

    def clean(self) -> list[str]:
        """Remove the manifest, what it names, and what killed builders have left; return what was removed.

        Anything else is the user's own. A model's folder goes when nothing is left in it.
        """
        files = [self.path / name for entry in self._models.values() for name in sorted(_named(entry))]
        left_overs = [path for pattern in _LEFT_OVERS for path in sorted(self.path.glob(pattern))]
        removed = []
        for path in (self.path / manifest.FILE_NAME, *files, *left_overs):
            if path.is_file():
                path.unlink()
                removed.append(str(path))
        for model_id in sorted({*self._order, *self._models}):
            if self._remove_empty(model_id):
                removed.append(str(self.path / model_id))
        return removed

    def check_readable(self) -> None:
        """Raise ZooError where there is a manifest that cannot be read: writing another would drop the models that it names."""
        if self.unreadable:
            raise ZooError(
                self.unreadable.what,
                got=self.unreadable.got,
                expected=self.unreadable.expected,
                next_step=f"run python -m builder all --out {self.path} to make a new one, which keeps this one as "
                f"{_SET_ASIDE}; then add models of your own again",
            )

    def set_aside_unreadable(self) -> Path | None:
        """Rename a manifest that cannot be read, so that a new one can be made; its new path, None where there is none such.

        Raises ZooError when the folder cannot be written.
        """
        with locked(self.path):
            self._read()
            if self.unreadable is None:
                return None
            places = (self.path / (_SET_ASIDE + (f".{i}" if i else "")) for i in itertools.count())
            free = next(path for path in places if not path.exists())
            try:
                (self.path / manifest.FILE_NAME).rename(free)
            except OSError as error:
                raise cannot_be_written(free, error) from error
            self._read()
        return free

    def _read(self) -> None:
        self._models, self.unreadable = {}, None
        if (self.path / manifest.FILE_NAME).exists():
            try:
                self._models = {m.id: m for m in manifest.read(self.path).models}
            except ZooError as error:
                self.unreadable = error

    def _free_name(self, file: FileEntry) -> str:
        """The file's path, or one beside it where a file that the manifest names, or one of the user's, has that path and other
        content. In the folders of the catalogue's models the builder's names are the builder's."""
        folder, _, name = file.path.rpartition("/")
        named = {f.path: f.sha256 for m in self._models.values() for f in m.files()}
        path = self.path / file.path
        if file.path in named or folder in self._order or not path.exists():
            free = named.get(file.path, file.sha256) == file.sha256
        else:
            free = path.is_file() and sha256_of(path) == file.sha256
        if free:
            return file.path
        stem, dot, suffix = name.partition(".")
        return f"{folder}/{stem}-{file.sha256[:8]}{dot}{suffix}"

    def _write(self, entry: ModelEntry) -> None:
        """Put the entry into the manifest, and its card beside its files: written before, so that it fails before, renamed after."""
        changed = {**self._models, entry.id: entry}
        rank = {name: place for place, name in enumerate(self._order)}
        models = sorted(changed.values(), key=lambda m: (rank.get(m.id, len(rank)), m.id))
        with replaced(self.path / entry.id / cards.FILE_NAME) as card:
            card.write_bytes(cards.card(entry).encode())
            manifest.write(self.path, Manifest(schema_version=2, models=tuple(models)))
        self._models = changed

    def _remove_replaced(self, before: ModelEntry | None, now: ModelEntry) -> None:
        """Remove the files that the model's entry named `before` and does not name any more."""
        if before:
            _unlink(self.path / name for name in _named(before) - _named(now))

    def _remove_empty(self, model_id: str) -> bool:
        """Remove the model's folder if it is there and empty; whether it was."""
        try:
            (self.path / model_id).rmdir()
        except OSError:  # there is none, or something is in it that is not ours
            return False
        return True


def _named(entry: ModelEntry) -> set[str]:
    """The paths of what the builder has written for that model."""
    return {f"{entry.id}/{cards.FILE_NAME}", *(file.path for file in entry.files())}


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # gone already; or in use (Windows), and then it stays
            path.unlink()


def prepare(path: Path) -> None:
    """Make the output folder and clear it of what killed builders have left. Raises ZooError when it cannot be written."""
    with locked(path):
        remove_left_overs(left_over for pattern in _LEFT_OVERS for left_over in path.glob(pattern))


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
