"""Derived ids: the same cause, the same id; another cause, another id; sorted by time."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from guard.core.identity import derived_id

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")

moments = st.integers(0, 2**48 - 1)
causes = st.lists(st.one_of(st.text(), st.integers()), max_size=4)


@given(moments, causes)
def test_an_id_looks_like_a_ulid_and_is_derived(at_ms: int, cause: list[object]) -> None:
    """Nothing is drawn: asked again, the answer is the same."""
    made = derived_id(at_ms, *cause)
    assert ULID.fullmatch(made)
    assert derived_id(at_ms, *cause) == made


@given(moments, moments, causes, causes)
def test_ids_sort_by_time(one_ms: int, other_ms: int, one: list[object], other: list[object]) -> None:
    """Whatever the cause."""
    if one_ms < other_ms:
        assert derived_id(one_ms, *one) < derived_id(other_ms, *other)


@given(moments, st.lists(st.text(), min_size=1, max_size=3, unique=True))
def test_other_causes_have_other_ids(at_ms: int, names: list[str]) -> None:
    """80 bits name the cause."""
    assert len({derived_id(at_ms, name) for name in names}) == len(names)


def test_parts_of_a_cause_do_not_run_together() -> None:
    """("ab", "c") is not ("a", "bc"); 12 and 3 are not 1 and 23."""
    assert derived_id(0, "ab", "c") != derived_id(0, "a", "bc")
    assert derived_id(0, 12, 3) != derived_id(0, 1, 23)


def test_a_name_that_is_no_valid_text_has_an_id_all_the_same() -> None:
    """JSON can hold lone surrogates; an account named so must not stop the daemon."""
    assert ULID.fullmatch(derived_id(0, "\ud800"))
