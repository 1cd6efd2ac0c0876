"""A server of our own for as long as something needs it: the demo, the tests and the benchmarks."""

from __future__ import annotations

from builder.programs import ROOT, RunningServer, running_server

__all__ = ["ROOT", "RunningServer", "running_server"]
