"""The one kind of error that users of this project see. Standard library only: set-up needs it before any package is there."""

from __future__ import annotations

from collections.abc import Mapping


class ZooError(Exception):
    """A failure that a person can act on: what happened, what was found, what was wanted, what to do next."""

    def __init__(self, what: str, *, got: str, expected: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.got = got
        self.expected = expected
        self.next_step = next_step

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process: the default drops the keyword arguments."""
        return _rebuild, (type(self), self.what, self.as_dict())

    def within(self, where: str) -> ZooError:
        """The same failure, with the place that it happened in put before it."""
        return type(self)(f"{where}: {self.what}", got=self.got, expected=self.expected, next_step=self.next_step)

    def as_dict(self) -> dict[str, str]:
        """The four parts as JSON sends them."""
        return {"what": self.what, "got": self.got, "expected": self.expected, "next": self.next_step}

    def __str__(self) -> str:
        return f"{self.what}\n  got:      {self.got}\n  expected: {self.expected}\n  next:     {self.next_step}"


def _rebuild(kind: type[ZooError], what: str, parts: Mapping[str, str]) -> ZooError:
    return kind(what, got=parts["got"], expected=parts["expected"], next_step=parts["next"])
