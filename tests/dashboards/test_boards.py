"""The boards: what is committed is what the code makes, and no query names what does not exist."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
import yaml

from dashboards.boards.files import ROOT, files
from tests.dashboards import written
from tests.dashboards.written import Panel, names_in


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_committed_is_what_the_code_makes(path: Path) -> None:
    assert path.read_text() == files()[path], "run `make boards` and commit what it writes"


def test_there_is_no_board_that_nobody_makes() -> None:
    assert set(written.BOARDS) == {path for path in files() if path.suffix == ".json"}


@pytest.mark.parametrize("panel", written.panels(), ids=lambda panel: f"{panel.board}: {panel.title}")
def test_a_panel_asks_for_what_there_is_and_says_what_it_means(panel: Panel) -> None:
    assert panel.queries
    for query in panel.queries:
        assert names_in(query), query
        assert names_in(query) <= written.known_names(), query
        assert query.count("{") == query.count("}"), query
        assert "{_" not in query
        assert "$instance" in query, "the board's choice of daemons must hold for every panel"
    assert panel.text.endswith(".")


def test_alerts_that_a_panel_names_exist() -> None:
    known = {rule.name for rule in written.alerts()}
    named = {word.strip("().,") for panel in written.panels() for word in panel.text.split() if "(Guard" in word}
    assert named
    assert named <= known


BY_HAND = {
    "guard_build_info",
    "guard_core_compiled",
    "guard_reconciled",
    "guard_reload_last_success_timestamp_seconds",
}
"""Worth having, and asked for when somebody wonders."""


def test_every_metric_is_on_a_board_or_in_an_alert() -> None:
    """A number that nobody looks at is not worth counting."""
    asked = [query for panel in written.panels() for query in panel.queries] + [rule.expr for rule in written.rules()]
    seen = set().union(*map(names_in, asked))
    parts = ("_bucket", "_count", "_sum")
    unseen = {name for name in written.known_names() - seen if not name.endswith(parts)}
    assert unseen - BY_HAND == set()


@pytest.mark.parametrize("path", written.BOARDS, ids=lambda path: path.stem)
def test_panels_do_not_overlap_and_links_to_them_stay(path: Path) -> None:
    here = [panel for panel in written.panels() if panel.board == path.stem]
    assert len({panel.number for panel in here}) == len(here)
    for one, other in combinations(here, 2):
        assert not _overlap(one.place, other.place), f"{one.title} and {other.title}"
    assert all(x + width <= 24 for x, _, width, _ in (panel.place for panel in here))


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    (x, y, w, h), (u, v, p, q) = one, other
    return x < u + p and u < x + w and y < v + q and v < y + h


@pytest.mark.parametrize("path", written.BOARDS, ids=lambda path: path.stem)
def test_a_board_may_be_pointed_at_any_prometheus(path: Path) -> None:
    board = written.board(path)
    assert board["uid"] == path.stem
    assert [each["name"] for each in board["templating"]["list"]][:2] == ["datasource", "instance"]
    sources = {panel["datasource"]["uid"] for panel in board["panels"] if panel["type"] != "row"}
    assert sources == {"${datasource}"}


def test_grafana_is_told_of_a_prometheus_and_of_the_folder_of_the_boards() -> None:
    provisioning = written.DASHBOARDS / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "guard.yaml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "guard.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] in (written.DASHBOARDS / "README.md").read_text()
