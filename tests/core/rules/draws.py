"""Histories for hypothesis: calls of one account that begin, go on and end, few numbers, close in time."""

from __future__ import annotations

from hypothesis import strategies as st

from guard.core.rules.observation import Observation, What
from guard.core.tariff import CallClass
from tests.core.rules.builders import MONDAY, seen

NUMBERS = (
    ("252612345678", "SO", "252", CallClass.INTERNATIONAL),
    ("252612345679", "SO", "252", CallClass.INTERNATIONAL),
    ("2203345678", "GM", "220", CallClass.INTERNATIONAL),
    ("19005550100", "CA", "1900", CallClass.PREMIUM),
    ("14165550100", "CA", "1416", CallClass.DOMESTIC),
)
_STEP_MS = st.sampled_from((0, 1_000, 30_000, 61_000, 400_000, 2_000_000))


@st.composite
def histories(draw: st.DrawFn, most: int = 40) -> list[Observation]:
    """In order of time; each call's reports in their order."""
    at_ms = MONDAY
    up: dict[str, Observation] = {}
    made: list[Observation] = []
    for each in range(draw(st.integers(1, most))):
        at_ms += draw(_STEP_MS)
        goes_on = draw(st.booleans())
        if up and goes_on:
            name = draw(st.sampled_from(sorted(up)))
            made.append(_next(draw, up, name, at_ms))
            continue
        number, country, prefix, kind = draw(st.sampled_from(NUMBERS))
        begins = draw(st.integers(0, 3)) > 0
        first = seen(
            "begins" if begins else "failed",
            at_ms,
            call=("sw1", f"c{each}"),
            number=number,
            dialled=draw(st.sampled_from(("", "9", "00"))) + number,
            country=country,
            prefix=prefix,
            kind=kind,
            rate_micros=draw(st.sampled_from((10_000, 3_400_000))),
            source=draw(st.sampled_from(("203.0.113.9", "203.0.113.10"))),
        )
        made.append(first)
        if begins:
            up[f"c{each}"] = first
    return made


def _next(draw: st.DrawFn, up: dict[str, Observation], name: str, at_ms: int) -> Observation:
    before = up[name]
    spoken_ms = draw(st.sampled_from((0, 3_000, 60_000)))
    gross = draw(st.sampled_from((0, 50_000, 3_400_000)))
    report = seen(
        "ends" if draw(st.booleans()) else "goes_on",
        at_ms,
        call=before.call,
        number=before.number,
        dialled=before.dialled,
        country=before.country,
        prefix=before.prefix,
        kind=before.kind,
        rate_micros=before.rate_micros,
        source=before.source,
        spoken_ms=spoken_ms,
        duration_ms=before.duration_ms + spoken_ms,
        gross_micros=gross,
        net_micros=gross // 2,
    )
    if report.what is What.ENDS:
        del up[name]
    else:
        up[name] = report
    return report


@st.composite
def disordered(draw: st.DrawFn) -> list[Observation]:
    """The same, arriving in any order."""
    return draw(st.permutations(draw(histories(25))))
