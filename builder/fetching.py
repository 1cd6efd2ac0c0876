"""The weights of several models, fetched at the same time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence

from builder import weights as weights_module
from builder.errors import ZooError
from builder.fingerprints import Fingerprints
from builder.progress import Reporter
from builder.spec import ModelSpec
from builder.weights import Mode, Weights

_AT_ONCE = 4

_Found = tuple[ModelSpec, Weights | ZooError]


def weights_of(
    specs: Sequence[ModelSpec], mode: Mode, fingerprints: Fingerprints, reporter: Reporter
) -> Iterator[tuple[ModelSpec, Weights | ZooError]]:
    """Each spec's weights, or why there are none, in the order of `specs`. Two models that share a file share its download."""
    waiting: queue.SimpleQueue[ModelSpec] = queue.SimpleQueue()
    found: queue.SimpleQueue[_Found | BaseException] = queue.SimpleQueue()
    for spec in specs:
        waiting.put(spec)

    def fetch() -> None:
        try:
            while True:
                spec = waiting.get_nowait()
                found.put((spec, _weights(spec, mode, fingerprints, reporter)))
        except queue.Empty:
            pass
        except BaseException as error:  # ours to report where the caller waits
            found.put(error)

    # Daemons, because at Ctrl-C nobody should wait for a server; what has arrived is kept in the partial file.
    for _ in range(min(_AT_ONCE, len(specs))):
        threading.Thread(target=fetch, daemon=True).start()
    ready: dict[str, Weights | ZooError] = {}
    for spec in specs:
        while spec.id not in ready:
            one = found.get()
            if isinstance(one, BaseException):
                raise one
            ready[one[0].id] = one[1]
        yield spec, ready[spec.id]


def _weights(spec: ModelSpec, mode: Mode, fingerprints: Fingerprints, reporter: Reporter) -> Weights | ZooError:
    reporter.stage(spec.id, "weights")
    try:
        return weights_module.resolve(
            spec, mode, fingerprints, lambda done, total: reporter.bytes(spec.id, done, total)
        )
    except ZooError as error:
        return error.within(f"{spec.id}, stage weights")
