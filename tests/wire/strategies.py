"""What hypothesis draws: JSON of any shape, valid messages, and messages with something wrong in them."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.wire.samples import ACK, BILLING, REPORT, STATUS, Json

ODD_TEXT = (
    "",
    " ",
    "\x00",
    "a\tb",
    "\x7f",
    "\x9f",
    "\xa0",
    "\u200d",
    "\ud800",
    "é",
    "😀",
    "١٢",
    "x" * 128,
    "x" * 129,
    "x" * 256,
    "x" * 257,
    "0",
    "-0",
    "-0.00",
    "5.",
    ".5",
    "+1",
    "1_0",
    "1e3",
    "0.0000001",
    "999999999.999999",
    "1000000000",
    "12.345678",
    "1763781165",
    "1763781165.123456",
    "2026-11-22T03:12:45.120Z",
    "2026-11-22T03:12:45+05:30",
    "2026-11-22T03:12:45",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59-00:01",
    "1969-12-31T23:59:59Z",
    "2026-11-01",
    "2026-12",
    "4111111111111111",
    "4111 1111-1111 1111",
    "CAD",
    "cad",
    "America/Toronto",
    "true",
    "NaN",
    "a,b",
    'a"b',
    "a\\b",
    "a/b+c#d",
)

ODD_NUMBERS = (0, 1, 2, -1, 10**9, 10**10, 10**10 + 1, 2**63, 2**64, 10**25, -(10**25), 0.0, 1.0, 0.5, 1e300)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(ODD_NUMBERS),
    st.sampled_from(ODD_TEXT),
    st.text(max_size=20),
    st.text(alphabet="0123456789 -.", max_size=30),
)

json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=8), st.sampled_from(ODD_TEXT)), inner, max_size=3),
    ),
    max_leaves=6,
)

_ANY_NAME = (
    *sorted({name for message in (REPORT, ACK, STATUS, *BILLING.values()) for name in message}),
    *("source", "cause", "part", "limit", "cycles", "floor", "cap", "until", "unknown", ""),
)


@st.composite
def mutated(draw: st.DrawFn, samples: tuple[Json, ...]) -> Json:
    """A valid message of which some fields were replaced, removed or added."""
    message = dict(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.one_of(st.sampled_from(sorted(message) or ["x"]), st.sampled_from(_ANY_NAME)))
        if draw(st.integers(0, 4)) == 0:
            message.pop(name, None)
        else:
            message[name] = draw(json_values)
    return message


reports = mutated((REPORT, {**REPORT, "event": "tick"}, {**REPORT, "event": "failed"}, {**REPORT, "event": "ended"}))
billing_messages = mutated(tuple(BILLING.values()))
acks = mutated((ACK,))
statuses = mutated((STATUS,))


def written(value: object) -> bytes:
    """A value as JSON; what UTF-8 cannot express is escaped."""
    return json.dumps(value).encode()


@st.composite
def damaged(draw: st.DrawFn, payloads: st.SearchStrategy[bytes]) -> bytes:
    """A payload of which bytes were cut out, overwritten or put in."""
    content = bytearray(draw(payloads))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 3))
        content[place : place + length] = draw(
            st.one_of(
                st.binary(max_size=3), st.sampled_from([b'"', b"\\", b"\\u", b"[", b"{", b",", b":", b"\xc2\x85"])
            )
        )
    return bytes(content)
