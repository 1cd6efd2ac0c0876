"""Which models are up to date in a folder, without the network and without torch."""

from __future__ import annotations

from builder import weights as weights_module
from builder.fingerprints import Fingerprints
from builder.key import build_key
from builder.output import OutputFolder
from builder.progress import Reporter
from builder.records import ModelEntry
from builder.spec import ModelSpec
from builder.weights import Mode, Weights


def is_current(
    spec: ModelSpec,
    folder: OutputFolder,
    mode: Mode,
    fingerprints: Fingerprints,
    tools: dict[str, str],
    reporter: Reporter,
) -> bool:
    """Whether the folder has what a build would give now; says why not where a file has changed. Raises ZooError where a
    published weights file is damaged."""
    entry = folder.entry(spec.id)
    if entry is None:
        return False
    weights = _weights_without_network(spec, mode, entry, fingerprints)
    if weights is None or entry.build_key != build_key(spec, weights.kind, weights.sha256, tools):
        return False
    damage = folder.damage(entry, fingerprints)
    if damage:
        reporter.note(f"{spec.id}: {damage}; building anew")
        return False
    stale = folder.mend_card(entry)
    if stale:
        reporter.note(f"{stale}; written anew")
    reporter.finished(spec.id, f"up to date ({entry.weights.kind} weights)")
    return True


def _weights_without_network(
    spec: ModelSpec, mode: Mode, entry: ModelEntry, fingerprints: Fingerprints
) -> Weights | None:
    """The weights that a build would use now, as far as this machine can tell; None where only the network can tell.

    In mode auto, a model that was built stays as it is when no file has appeared since: asking the network again at every
    start would make each of them wait. --weights pretrained asks.
    """
    if mode == "seeded":
        return weights_module.seeded("")
    found = weights_module.find_local(spec, fingerprints)
    if found:
        return found
    if mode == "pretrained" and entry.weights.kind == "seeded":
        return None
    known = entry.weights
    return Weights(known.kind, None, known.origin, known.sha256, known.bytes)
