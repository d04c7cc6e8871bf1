"""The house style of the boards: a few kinds of panels, and the names that queries may use in place of what repeats.

In a query `{_` stands for `{instance=~"$instance"`, the daemon or daemons that the board is set to. Every panel has a
text: the question that it answers, and what to think when it looks unusual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "guard"

Panel = bargauge.Panel | heatmap.Panel | stat.Panel | statetimeline.Panel | timeseries.Panel
How = Callable[[prometheus.Dataquery], prometheus.Dataquery]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, and how its lines are called."""

    expr: str
    legend: str = ""


def a_second(counter: str, by: str = "") -> str:
    """How fast a counter grows, over all chosen daemons, by these labels."""
    grouped = f"sum by ({by})" if by else "sum"
    return f"{grouped} (rate({counter}[$__rate_interval]))"


def an_hour(counter: str, by: str = "") -> str:
    """The same for what is rare."""
    return f"{a_second(counter, by)} * 3600"


def quantiles(histogram: str, over: str = "$__rate_interval") -> tuple[Query, Query]:
    """Median and 99th percentile of a histogram of all chosen daemons together."""
    rates = f"sum by (le) (rate({histogram}_bucket{{_}}[{over}]))"
    return (
        Query(f"histogram_quantile(0.5, {rates})", "median"),
        Query(f"histogram_quantile(0.99, {rates})", "99th percentile"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What all kinds of panels share."""

    title: str
    text: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 8
    height: int = 8
    limits: Sequence[tuple[float, str]] = ()
    """From this value on in this colour; below the first one green."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A heading and its panels."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One page of Grafana."""

    uid: str
    title: str
    text: str
    rows: Sequence[Row]
    per_switch: bool = False
    """Whether the reader may choose switches."""


def tile(look: Look) -> Panel:
    """One number as it is now."""
    panel = stat.Panel().graph_mode(looks.BigValueGraphMode.AREA)
    panel.color_mode(looks.BigValueColorMode.BACKGROUND if look.limits else looks.BigValueColorMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return _dressed(panel, look)


def lines(look: Look, *, stacked: bool = False, logarithmic: bool = False) -> Panel:
    """How numbers went."""
    panel = timeseries.Panel().line_width(1).fill_opacity(10).show_points(looks.VisibilityMode.NEVER)
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST)
    panel.legend(legend.placement(looks.LegendPlacement.BOTTOM).show_legend(show_legend=True))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
    if stacked:
        panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL)).fill_opacity(30)
    if logarithmic:
        panel.scale_distribution(common.ScaleDistributionConfig().type(looks.ScaleDistribution.LOG).log(10))
    else:
        panel.axis_soft_min(0)
    if look.limits:
        # Told by a line across, so that the lines keep their own colours.
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(looks.GraphTresholdsStyleMode.DASHED))
    return _dressed(panel, look)


def bars(look: Look) -> Panel:
    """Names with a number each, compared."""
    panel = bargauge.Panel().orientation(looks.VizOrientation.HORIZONTAL)
    panel.display_mode(looks.BarGaugeDisplayMode.GRADIENT)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return _dressed(panel, look, how=_now)


def states(look: Look, words: Sequence[tuple[str, str, str]]) -> Panel:
    """What was the case when; `words` gives value, word and colour."""
    shown = {value: model.ValueMappingResult(text=word, color=colour) for value, word, colour in words}
    panel = statetimeline.Panel().mappings([model.ValueMap(options=shown)]).show_value(looks.VisibilityMode.NEVER)
    return _dressed(panel, look)


def heat(look: Look) -> Panel:
    """How a histogram went: rates by `le`."""
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    return _dressed(heatmap.Panel().color(colours), look, how=_as_heat)


def _dressed(panel: Panel, look: Look, *, how: How | None = None) -> Panel:
    panel.title(look.title).description(look.text).unit(look.unit).datasource(SOURCE)
    panel.span(look.width).height(look.height)
    if look.limits:
        steps = [model.Threshold(color="green", value=None)]
        steps += [model.Threshold(color=colour, value=value) for value, colour in look.limits]
        panel.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
        if not isinstance(panel, timeseries.Panel):
            panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    for query, letter in zip(look.queries, ascii_uppercase, strict=False):
        asked = prometheus.Dataquery().expr(query.expr.replace("{_", '{instance=~"$instance"')).ref_id(letter)
        asked.legend_format(query.legend or look.title)
        panel.with_target(asked if how is None else how(asked))
    return panel


def _now(asked: prometheus.Dataquery) -> prometheus.Dataquery:
    return asked.instant()


def _as_heat(asked: prometheus.Dataquery) -> prometheus.Dataquery:
    return asked.format(PromQueryFormat.HEATMAP)


def made(board: Board) -> dashboard.Dashboard:
    """The page: its rows, its choices, links to the others, and the alerts that fired as marks in time."""
    page = dashboard.Dashboard(board.title).uid(board.uid).description(board.text).tags([TAG])
    page.timezone("browser").time("now-3h", "now").refresh("30s").readonly()
    page.tooltip(model.DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink("guard").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    page.link(others.as_dropdown(as_dropdown=False).keep_time(keep_time=True).include_vars(include_vars=True))
    page.with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    page.with_variable(_choice("instance", "Daemon", "label_values(guard_build_info, instance)"))
    if board.per_switch:
        page.with_variable(_choice("switch", "Switch", 'label_values(guard_switch_up{instance=~"$instance"}, switch)'))
    fired = dashboard.AnnotationQuery().name("Alerts").datasource(SOURCE).enable(enable=True).icon_color("red")
    page.annotation(fired.expr('ALERTS{alertname=~"Guard.*", alertstate="firing"}'))
    number = 0
    for row in board.rows:
        number += 1
        page.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            page.with_panel(panel.id(number))
    return page


def _choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    choice = dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(query)
    choice.multi(multi=True).include_all(include_all=True).all_value(".*")
    choice.current(model.VariableOption(selected=True, text="All", value="$__all"))
    return choice.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
