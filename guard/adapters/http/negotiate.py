"""Which of the forms that a route can give the client would rather have (RFC 9110, `Accept`)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

JSON = "application/json"
CSV = "text/csv"
HTML = "text/html"

_MAX_RANGES = 32
"""Entries of the header that are looked at."""


def preferred(request: Request, offered: Sequence[str]) -> str:
    """The offered type with the highest quality; the first one when the client does not care, or wants none of them."""
    accept = ",".join(request.headers.getlist("accept")) or "*/*"
    ranges = [_range(entry) for entry in accept.split(",")[:_MAX_RANGES]]
    best, best_quality = offered[0], 0.0
    for candidate in offered:
        quality = _quality(candidate, ranges)
        if quality > best_quality:
            best, best_quality = candidate, quality
    return best


def _quality(candidate: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality that the most specific matching range gives."""
    for pattern in (candidate, candidate.partition("/")[0] + "/*", "*/*"):
        for name, quality in ranges:
            if name == pattern:
                return quality
    return 0.0


def _range(entry: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in entry.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0
