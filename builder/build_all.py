"""Building several models: what is up to date stays, what was built before comes from the cache, the rest is built here or on a cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.cache import BuildCache
from builder.catalogue import CATALOGUE_IDS
from builder.dask_jobs import Cluster
from builder.errors import ZooError
from builder.fetching import weights_of
from builder.fingerprints import Fingerprints
from builder.jobs import Job, Outcome, Place
from builder.jobs_local import run_here
from builder.key import build_key, tool_versions
from builder.output import OutputFolder, prepare
from builder.plan import is_current
from builder.progress import Reporter
from builder.records import ModelEntry
from builder.spec import ModelSpec
from builder.weights import Mode, cache_folder


@dataclass(frozen=True)
class Options:
    """What the command line decides.

    jobs: how many models are built at a time on this machine. scheduler: the address of a Dask scheduler, "tcp://HOST:8786", whose
    workers build instead. read_cache: whether what the cache holds is used; what is built is kept there in any case.
    """

    out: Path
    weights: Mode
    jobs: int
    scheduler: str | None = None
    read_cache: bool = True


def build_cache() -> BuildCache:
    """The builds that this machine keeps."""
    return BuildCache(cache_folder() / "builds")


def build_all(specs: Iterable[ModelSpec], options: Options, reporter: Reporter) -> list[ZooError]:
    """Bring those models up to date in options.out; return the failures. A failure of one model does not stop the others.

    A manifest that cannot be read is set aside. This process imports no torch. Raises ZooError when the folder or the scheduler
    cannot be used at all; what the cache holds is in the folder then.
    """
    prepare(options.out)
    _set_aside_unreadable(options.out, reporter)
    tools = tool_versions()
    place = Place(options.out, CATALOGUE_IDS, build_cache().folder, tools, options.read_cache)
    fingerprints = Fingerprints(cache_folder() / "fingerprints.json")
    counts = _Counts()
    outdated = list(_outdated(specs, place, options.weights, fingerprints, reporter, counts))
    if outdated:
        build_cache().tidy()
        jobs = _jobs(outdated, options.weights, tools, fingerprints, reporter, counts)
        fingerprints.save()
        remaining = list(_not_cached(jobs, place, fingerprints, reporter, counts))
        try:
            with contextlib.closing(_outcomes(remaining, place, options, reporter)) as outcomes:
                for outcome in outcomes:
                    counts.add(outcome, reporter)
                    _remember(outcome.entry, place, fingerprints)
        except ZooError:  # the scheduler's; no job has begun
            counts.not_begun = [job.spec.id for job in remaining]
            reporter.ended(counts.summary(), failed=True)
            raise
    fingerprints.save()
    reporter.ended(counts.summary(), failed=bool(counts.failures))
    return counts.failures


def _outcomes(
    jobs: Sequence[Job], place: Place, options: Options, reporter: Reporter
) -> Generator[Outcome, None, None]:
    """Build the jobs here or on the cluster. Raises ZooError, before the first outcome, when the scheduler cannot be used."""
    if not jobs:
        return
    with Cluster(options.scheduler, place.tools) if options.scheduler else contextlib.nullcontext() as cluster:
        outcomes = cluster.run(jobs, place, reporter) if cluster else run_here(jobs, place, options.jobs, reporter)
        with contextlib.closing(outcomes):
            yield from outcomes


def _set_aside_unreadable(out: Path, reporter: Reporter) -> None:
    problem = OutputFolder(out, CATALOGUE_IDS).unreadable
    place = OutputFolder(out, CATALOGUE_IDS).set_aside_unreadable()
    if problem and place:
        reporter.note(
            f"{problem.what} ({problem.got}); it is kept as {place.name}, and everything is built anew; "
            "models of your own that it names have to be added again"
        )


class _Counts:
    """How many models ended how."""

    def __init__(self) -> None:
        self.built = self.cached = self.current = 0
        self.failed: list[str] = []
        self.not_begun: list[str] = []
        self.failures: list[ZooError] = []

    def add(self, outcome: Outcome, reporter: Reporter) -> None:
        """Count how one job ended, and tell of it."""
        if outcome.entry is None:
            assert outcome.error is not None
            self.fail(outcome.job.spec.id, outcome.error, reporter)
        elif outcome.from_cache:
            self.cached += 1
            reporter.finished(outcome.job.spec.id, f"from the cache, {_megabytes(outcome.entry)} MB")
        else:
            self.built += 1
            text = f"built, {_megabytes(outcome.entry)} MB, verified against {outcome.entry.reference_runtime}"
            reporter.finished(outcome.job.spec.id, text)

    def fail(self, model: str, error: ZooError, reporter: Reporter) -> None:
        """Count a failure, and tell of it."""
        self.failed.append(model)
        self.failures.append(error)
        reporter.failed(model, error)

    def summary(self) -> str:
        """One line."""
        parts = [("built", self.built), ("from the cache", self.cached), ("up to date", self.current)]
        text = ", ".join(f"{what} {count}" for what, count in parts if count)
        for what, models in (("failed", self.failed), ("not begun", self.not_begun)):
            if models:
                text += f"{', ' if text else ''}{what} {len(models)}: {', '.join(models)}"
        return text or "nothing to build"


def _outdated(
    specs: Iterable[ModelSpec],
    place: Place,
    mode: Mode,
    fingerprints: Fingerprints,
    reporter: Reporter,
    counts: _Counts,
) -> Iterator[ModelSpec]:
    folder = OutputFolder(place.out, place.order)
    for entry in folder.added():
        stale = folder.mend_card(entry)
        if stale:
            reporter.note(f"{stale}; written anew")
    for spec in specs:
        try:
            if is_current(spec, folder, mode, fingerprints, place.tools, reporter):
                counts.current += 1
            else:
                yield spec
        except ZooError as error:
            counts.fail(spec.id, error.within(f"{spec.id}, stage weights"), reporter)


def _jobs(
    specs: Sequence[ModelSpec],
    mode: Mode,
    tools: dict[str, str],
    fingerprints: Fingerprints,
    reporter: Reporter,
    counts: _Counts,
) -> list[Job]:
    """The models whose weights can be had, in the order of `specs`."""
    jobs: dict[str, Job] = {}
    for spec, weights in weights_of(specs, mode, fingerprints, reporter):
        if isinstance(weights, ZooError):
            counts.fail(spec.id, weights, reporter)
        else:
            if weights.note:
                reporter.note(f"{spec.id}: seeded weights, so its predictions mean nothing: {weights.note}")
            jobs[spec.id] = Job(spec, weights, build_key(spec, weights.kind, weights.sha256, tools))
    return [jobs[spec.id] for spec in specs if spec.id in jobs]


def _not_cached(
    jobs: Iterable[Job], place: Place, fingerprints: Fingerprints, reporter: Reporter, counts: _Counts
) -> Iterator[Job]:
    """Put what the cache holds into the folder; the jobs that it does not hold."""
    for job in jobs:
        artefact = place.cached(job, reporter.note)
        if artefact is None:
            yield job
            continue
        try:
            outcome = Outcome(job, place.put(artefact), None, from_cache=True)
        except ZooError as error:
            outcome = Outcome(job, None, error)
        counts.add(outcome, reporter)
        _remember(outcome.entry, place, fingerprints)


def _remember(entry: ModelEntry | None, place: Place, fingerprints: Fingerprints) -> None:
    """So that the next build, which finds the files up to date, need not read them."""
    for file in entry.files() if entry else ():
        fingerprints.learn(place.out / file.path, file.sha256)


def _megabytes(entry: ModelEntry) -> str:
    return f"{sum(v.bytes for v in entry.variants) / 1e6:.1f}"
