"""A plan in words: what will run where, and how long it should take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.plan import DevicePlan, foreseen_s


def plan_lines(plans: Sequence[DevicePlan]) -> Iterator[str]:
    """Host by host, device by device, visit by visit."""
    hosts = list(dict.fromkeys(plan.host for plan in plans))
    for host in hosts:
        mine = [plan for plan in plans if plan.host == host]
        yield f"{host}: about {in_words(sum(plan.foreseen_s for plan in mine))}" + (
            ", one device after another" if len(mine) > 1 else ""
        )
        for plan in mine:
            before = f", {plan.over} over already" if plan.over else ""
            yield f"  {plan.device} ({plan.kind}): {plan.runs} runs, about {in_words(plan.foreseen_s)}{before}"
            for visit in plan.visits:
                times = f", {visit.repeat} times" if visit.repeat > 1 else ""
                yield f"    {', '.join(visit.models)} on {', '.join(visit.backends)}{times}: about {in_words(visit.foreseen_s)}"
    yield (
        f"in all about {in_words(foreseen_s(plans))}"
        + (", hosts at the same time" if len(hosts) > 1 else "")
        + "; devices differ, a phone may take ten times as long"
    )


def in_words(seconds: float) -> str:
    """A time that nobody takes for exact."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
