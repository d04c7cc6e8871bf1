"""A section of a document that is made anew takes the place of the old one, and nothing else moves."""

from __future__ import annotations

from tests.bench.written import replaced

DOCUMENT = "# Title\n\n## First\n\nwords\n\n### Sized\n\nold\n\n#### Deeper\n\nold too\n\n## Last\n\nwords\n"
SECTION = "### Sized\n\nnew\n"


def test_a_section_is_replaced_to_the_next_heading_of_its_rank_or_above() -> None:
    assert replaced(DOCUMENT, SECTION) == "# Title\n\n## First\n\nwords\n\n### Sized\n\nnew\n\n## Last\n\nwords\n"


def test_once_more_changes_nothing() -> None:
    once = replaced(DOCUMENT, SECTION)
    assert replaced(once, SECTION) == once


def test_one_that_is_missing_comes_at_the_end() -> None:
    assert replaced("# Title\n", SECTION) == "# Title\n\n### Sized\n\nnew\n"
