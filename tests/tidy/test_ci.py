"""CI leaves nothing out: what tests/conftest.py does with a test that skips itself."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = (Path(__file__).parents[1] / "conftest.py").read_text()

SKIPS = """
    import pytest

    def test_passes(): pass
    def test_skips(): pytest.skip("no switch here")
    @pytest.mark.skip(reason="not today")
    def test_is_marked(): pass
    @pytest.mark.xfail(reason="known")
    def test_is_known(): raise ValueError
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of its own with the conftest of ours."""
    pytester.makeconftest(CONFTEST)
    return pytester


def test_a_developer_may_skip(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    suite.makepyfile(SKIPS)
    suite.runpytest_inprocess().assert_outcomes(passed=1, skipped=2, xfailed=1)


def test_in_ci_a_skip_is_a_failure(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(SKIPS)
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(["*no switch here*", "*Nothing is skipped in CI*"])


def test_in_ci_a_module_that_skips_itself_is_an_error(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile("import pytest\npytest.importorskip('no_such_library_at_all')")
    result = suite.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Nothing is skipped in CI*"])
