"""Files that were good and no longer are: pieces cut out, doubled, or put in place of others, some of them nasty.

Not only wrong but hostile: numbers that are cheap to write and dear to work out, brackets a thousand deep, quotes that
never close, characters that are digits and no numbers.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st

NASTY = (
    b"",
    b"\x00",
    b"\\u0000",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc2\xb2",
    b"\xd9\xa3",
    b"\xe2\x80\xae",
    b'"',
    b'"""',
    b"'",
    b"[",
    b"]]",
    b"{}",
    b"=",
    b",",
    b";",
    b"\n",
    b"\r",
    b"#",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"nan",
    b"inf",
    b"1e999999",
    b"-1e-999999",
    b"1e99999999999999999999",
    b"9" * 400,
    b"9" * 5_000,
    b"0x" + b"f" * 5_000,
    b"999999999999",
    b"[" * 3_000,
    b"{" * 3_000,
    b"a." * 3_000,
    b"1979-05-27T07:32:00Z",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"../../../../etc/passwd",
    b"=cmd|' /C calc'!A0",
    b"<script>",
    b"%s%n{0}",
    b"x" * 200_000,
)
CPU_S = 10
"""Of the process; a machine that has other things to do does not make a test fail."""


class TakesTooLongError(AssertionError):
    """More work than a file of its size is worth."""


@st.composite
def spoilt(draw: st.DrawFn, good: bytes) -> bytes:
    """The same bytes after one to four changes; once in a while something else altogether."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=200))
    text = good
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.sampled_from((0, 0, 1, 2, 5, 20, 200))))
        piece = draw(st.sampled_from(NASTY) | st.binary(max_size=4) | st.just(text[begin:end] * 2))
        text = text[:begin] + piece + text[end:]
    return text


@st.composite
def values_changed(draw: st.DrawFn, good: bytes) -> bytes:
    """The same lines with what stands behind an `=` or a `,` replaced: what a reader of values has to refuse."""
    marks = [place for place, byte in enumerate(good) if byte in b"=,:"]
    if not marks:
        return good
    text = good
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.sampled_from(marks)) + 1
        end = next((place for place in range(begin, len(text)) if text[place] in b",\n}]"), len(text))
        text = text[:begin] + b" " + draw(st.sampled_from(NASTY)) + text[end:]
        marks = [place for place, byte in enumerate(text) if byte in b"=,:"] or [0]
    return text


@contextmanager
def within_bounds(seconds: int = CPU_S) -> Iterator[None]:
    """At most so much of the processor, or `TakesTooLongError` from wherever it is."""

    def too_long(_number: int, _frame: object) -> None:
        raise TakesTooLongError(f"more than {seconds} s of the processor")

    before = signal.signal(signal.SIGVTALRM, too_long)
    # Again and again: what is raised where Python is busy with itself is passed over.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def within_memory(kib: int) -> Iterator[None]:
    """At most so much more memory than before, at any moment (as Linux tells it)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak_kib()
    yield
    more = _peak_kib() - before
    assert more <= kib, f"{more:,} KiB more"


def _peak_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
