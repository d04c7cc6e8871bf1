"""Each fraud shows the signature by which it is known, over several seeds; and takes a refusal as fraudsters do."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from statistics import mean

import pytest

from guard.core.records import Direction, Event, Report
from guard.core.tariff import CallClass
from guard.replay.attempts import Attempt, Outcome
from guard.replay.cases.dialling import Dialling, dialled
from guard.replay.cases.library import SCENARIOS, Family
from guard.replay.cases.setting import LEARNED_DAYS, Case, Setting
from guard.replay.catalog import destination_of
from guard.replay.customers import DEMO_CUSTOMERS
from tests.replay.worlds import START_MS, Played, played

SEEDS = (1, 2)
FRAUDS = [scenario.name for scenario in SCENARIOS if scenario.fraud]

seeds = pytest.mark.parametrize("seed", SEEDS)


def rates(reports: list[Report]) -> list[int]:
    return [report.rate_micros or 0 for report in reports]


def most_at_once(reports: list[Report]) -> int:
    up = most = 0
    for report in reports:
        up += (report.event is Event.ANSWERED) - (report.event is Event.ENDED)
        most = max(most, up)
    return most


def strange(case: Played, direction: Direction = Direction.OUTGOING) -> list[Report]:
    """Answered calls that cost at least 0.25 a minute, in the time of the case."""
    answered = case.during(Event.ANSWERED, direction=direction)
    return [report for report in answered if (report.rate_micros or 0) >= 250_000]


def sources_before(case: Played) -> set[str]:
    return {report.source for report in case.before()}


@pytest.mark.parametrize("name", FRAUDS)
@seeds
def test_a_fraud_comes_when_its_account_is_known_and_is_played_to_the_end(name: str, seed: int) -> None:
    case = played(name, seed)
    earliest = 2 if name == "first-fortnight" else min(LEARNED_DAYS, 24 * 3 // 5)
    assert case.begins_day >= earliest - 1
    assert all(part.calls for part in case.truth.values())
    assert all(part.refused == part.saved_micros == 0 for part in case.truth.values())


@seeds
def test_pbx_irsf_is_a_night_of_long_calls_to_a_few_dear_numbers_at_once(seed: int) -> None:
    case = played("pbx-irsf", seed)
    calls = strange(case)
    assert min(rates(calls)) >= 1_000_000
    assert len({report.to for report in calls}) <= 12
    ended = [report for report in case.during(Event.ENDED) if (report.rate_micros or 0) >= 1_000_000]
    assert mean(report.duration_ms for report in ended[5:]) > 20 * 60_000
    assert most_at_once(case.during(Event.ANSWERED, Event.ENDED)) >= 4
    assert {report.source for report in calls} <= sources_before(case)


@seeds
def test_a_stolen_login_calls_from_an_address_never_seen(seed: int) -> None:
    case = played("stolen-login", seed)
    calls = strange(case)
    assert not {report.source for report in calls} & sources_before(case)
    assert len({report.source for report in calls}) == 1


@seeds
def test_a_forwarded_leg_has_an_incoming_call_beside_it(seed: int) -> None:
    case = played("call-forward", seed)
    legs = strange(case, Direction.FORWARDED)
    assert len(legs) > 10
    incoming = {report.at_ms for report in case.during(Event.ANSWERED, direction=Direction.INCOMING)}
    assert all(leg.at_ms in incoming for leg in legs)
    assert {leg.source for leg in legs} == {""}


@seeds
def test_recon_is_hundreds_of_failures_around_one_number_hours_before_the_loss(seed: int) -> None:
    case = played("recon", seed)
    failed = [report for report in case.during(Event.FAILED) if report.caller == "1000"]
    cores = Counter((report.to or "")[-9:] for report in failed)
    core, times = cores.most_common(1)[0]
    assert times > 80
    assert len({report.to for report in failed if (report.to or "").endswith(core)}) > 60
    loss = min(report.at_ms for report in strange(case) if report.caller != "1000")
    assert loss - failed[0].at_ms >= 3_600_000
    assert sum(report.duration_ms for report in case.during(Event.ENDED) if report.caller == "1000") < 60 * 60_000


@seeds
def test_wangiri_is_one_range_called_by_many_accounts_after_a_ring(seed: int) -> None:
    case = played("wangiri", seed)
    assert len(case.truth) >= 8
    called = set()
    for account, part in case.truth.items():
        assert part.calls <= 3
        back = [report for report in strange(case) if report.account == account]
        called |= {report.to for report in back}
        rings = [report for _, report in case.reports if report.account == account and report.caller in called]
        assert rings[0].direction is Direction.INCOMING
        assert rings[0].at_ms < back[0].at_ms
    assert len(called) <= 4


@seeds
def test_pumping_is_dozens_of_short_calls_to_one_country_within_minutes(seed: int) -> None:
    case = played("pumping-fast", seed)
    calls = [report for report in case.during(Event.ANSWERED) if (report.rate_micros or 0) >= 140_000]
    burst = [report for report in calls if report.at_ms < calls[0].at_ms + 300_000]
    assert len(burst) >= 25
    countries = Counter(place.country for report in burst if (place := destination_of(report.to or "")))
    assert countries.most_common(1)[0][1] > 0.9 * len(burst)
    assert len({report.to for report in burst}) > 0.7 * len(burst)


@seeds
def test_a_slow_drip_is_even_over_the_hours_and_one_call_at_a_time(seed: int) -> None:
    case = played("slow-drip", seed)
    dripping = [report for report in strange(case) if report.source.startswith(("192.", "203.", "198.51."))]
    assert case.hours > 5 * 24
    by_hour = Counter(report.at_ms // 3_600_000 % 24 for report in dripping)
    assert len(by_hour) == 24
    assert max(by_hour.values()) < 3 * mean(by_hour.values())
    assert max(Counter(report.at_ms // 300_000 for report in dripping).values()) <= 2


@seeds
def test_domestic_pumping_costs_the_account_nothing_and_is_hours_to_few_numbers(seed: int) -> None:
    case = played("domestic-pumping", seed)
    calls = Counter(report.to for report in case.during(Event.ANSWERED)).most_common(4)
    assert calls[0][1] > 20
    part = case.truth[case.account]
    assert case.customer.flat
    assert part.spent_micros == 0
    assert most_at_once(case.during(Event.ANSWERED, Event.ENDED)) >= 5


@seeds
def test_resale_is_always_as_many_at_once_to_hundreds_of_numbers_for_nothing(seed: int) -> None:
    case = played("plan-resale", seed)
    assert case.truth[case.account].spent_micros == 0
    assert len({report.to for report in case.during(Event.ANSWERED)}) > 500
    up, seen = 0, []
    for report in case.during(Event.ANSWERED, Event.ENDED):
        up += (report.event is Event.ANSWERED) - (report.event is Event.ENDED)
        seen.append(up)
    steady = seen[len(seen) // 10 : -len(seen) // 10]
    assert min(steady) > 0.5 * mean(steady)


@seeds
def test_subscription_fraud_goes_abroad_on_the_first_day_and_does_not_pay(seed: int) -> None:
    case = played("subscription-fraud", seed)
    opened_ms = START_MS + case.customer.opened_ms
    assert 0 <= strange(case)[0].at_ms - opened_ms < 86_400_000
    assert case.truth[case.account].spent_micros > 150_000_000
    payments = [message for _, message in case.case.bills]
    assert [each["status"] for each in payments] == ["pending", "rejected"]
    assert {(each["type"], each["account"]) for each in payments} == {("payment", case.account)}


@seeds
def test_robocalls_are_short_and_in_sequence(seed: int) -> None:
    case = played("robocall", seed)
    calls = [report for report in case.during(Event.ENDED) if report.source.startswith(("192.", "203.", "198.51."))]
    short = sum(report.duration_ms <= 6_000 for report in calls)
    assert 0.65 < short / len(calls) < 0.85
    assert mean(report.duration_ms for report in calls) < 60_000
    numbers = sorted(int(report.to or 0) for report in calls)
    assert numbers[-1] - numbers[0] < 6_000


@seeds
def test_a_takeover_raises_the_limit_before_it_spends(seed: int) -> None:
    case = played("takeover", seed)
    raised = [each for each in case.case.bills if each[1]["type"] == "credit"]
    offset_ms, message = raised[0]
    assert message["account"] == case.account
    first_ms = case.truth[case.account].first_at_ms - START_MS
    assert 0 < first_ms - offset_ms < 3_600_000


@seeds
def test_known_country_is_dearer_numbers_where_the_account_calls_anyway(seed: int) -> None:
    case = played("known-country", seed)
    known = {place.country for report in case.before() if (place := destination_of(report.to or ""))}
    first = destination_of(case.during(Event.ANSWERED)[0].to or "")
    assert first is not None
    assert first.country in known
    assert most_at_once(case.during(Event.ANSWERED, Event.ENDED)) >= 4


@seeds
def test_in_a_call_centre_a_few_lines_are_lost_among_many(seed: int) -> None:
    case = played("in-call-centre", seed)
    assert case.customer.kind.name == "call centre"
    dear = [report for report in case.during(Event.ANSWERED, Event.ENDED) if (report.rate_micros or 0) >= 450_000]
    assert len(dear) < 0.5 * len(case.during(Event.ANSWERED, Event.ENDED))
    assert most_at_once(dear) <= 6


@seeds
def test_one_number_is_called_from_many_accounts_a_few_times_each(seed: int) -> None:
    case = played("many-accounts", seed)
    assert len(case.truth) >= 8
    assert max(part.calls for part in case.truth.values()) <= 3
    number, _ = Counter(report.to for report in strange(case)).most_common(1)[0]
    assert {report.account for report in strange(case) if report.to == number} == set(case.truth)


@seeds
def test_office_hours_fraud_keeps_office_hours(seed: int) -> None:
    case = played("office-hours", seed)
    dear = [report for report in case.during(Event.ANSWERED, Event.ENDED) if (report.rate_micros or 0) >= 550_000]
    hours = {report.at_ms // 3_600_000 % 24 for report in dear if report.event is Event.ANSWERED}
    # From Halifax to Vancouver the working day spans these hours of UTC.
    assert hours <= set(range(10, 24)) | {0, 1, 2, 3, 4}
    assert (
        most_at_once([each for each in case.during(Event.ANSWERED, Event.ENDED) if (each.rate_micros or 0) >= 550_000])
        <= 5
    )


@seeds
def test_a_slow_ramp_grows_by_a_third_a_day(seed: int) -> None:
    case = played("slow-ramp", seed)
    first_ms = case.truth[case.account].first_at_ms
    by_day = Counter((report.at_ms - first_ms) // 86_400_000 for report in strange(case))
    assert by_day[0] <= 5
    last_day = max(day for day in by_day if day < case.hours / 24 - 0.5)
    assert by_day[last_day] > 4 * by_day[0]


@seeds
def test_in_the_first_fortnight_the_account_is_younger_than_that(seed: int) -> None:
    case = played("first-fortnight", seed)
    age_ms = case.truth[case.account].first_at_ms - START_MS - case.customer.opened_ms
    assert 86_400_000 < age_ms < 14 * 86_400_000
    usual = [place.kind for report in case.before() if (place := destination_of(report.to or ""))]
    assert usual.count(CallClass.DOMESTIC) > 0.8 * len(usual)


# -- how a fraudster takes a refusal ------------------------------------------------------------------


def fraudster(**changes: object) -> tuple[Dialling, Setting]:
    setting = Setting(DEMO_CUSTOMERS, seed=1, calendar=None)
    setting.begin(Case(id="c1", scenario="c", fraud=True))
    to = ((("+1", 10),), (("+2", 5),), (("+3", 1),))
    plan = Dialling(to=to, starts_ms=0, until_ms=3_600_000, lines=(2, 2), every_s=(1, 1), talk_s=(600, 600), **changes)  # type: ignore[arg-type]
    return plan, setting


def test_refused_he_tries_the_next_range_and_blocked_wholly_he_stops() -> None:
    plan, setting = fraudster()
    stream = dialled(setting, DEMO_CUSTOMERS[0], plan)
    tried = [next(stream).to]
    while True:
        try:
            tried.append(stream.send(Outcome.BLOCKED).to)
        except StopIteration:
            break
    assert tried == ["+1"] * 3 + ["+2"] * 3 + ["+3"] * 3


def test_what_goes_through_he_goes_on_with() -> None:
    plan, setting = fraudster()
    stream = dialled(setting, DEMO_CUSTOMERS[0], plan)
    next(stream)
    refused = [stream.send(Outcome.BLOCKED).to for _ in range(4)]
    assert refused[-1] == "+2"
    assert stream.send(Outcome.ANSWERED).to == "+2"
    assert stream.send(Outcome.ANSWERED).to == "+2"


def test_with_all_lines_busy_he_waits_and_looks_now_and_then() -> None:
    plan, setting = fraudster()
    stream = dialled(setting, DEMO_CUSTOMERS[0], plan)
    calls: list[Attempt] = [next(stream)]
    calls += [stream.send(Outcome.ANSWERED) for _ in range(2)]
    calls += [stream.send(Outcome.NO_LINE) for _ in range(3)]
    assert [after.offset_ms - before.offset_ms for before, after in pairwise(calls)] == [
        1_000, 60_000, 60_000, 60_000, 60_000,
    ]  # fmt: skip


def test_every_family_has_its_scenarios_and_every_scenario_a_line_about_it() -> None:
    assert {scenario.family for scenario in SCENARIOS} == set(Family)
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    for scenario in SCENARIOS:
        assert 20 < len(scenario.title) <= 58, scenario.name
