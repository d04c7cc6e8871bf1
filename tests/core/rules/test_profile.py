"""The account's own past: what it learns, when, and how much room that takes."""

from __future__ import annotations

import json

from guard.core.rules.profile import COUNTRY, MOST_HABITS, NUMBER, PREFIX, SOURCE, Profile, Verdict
from guard.core.rules.rule import LEARNING_DAYS
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.rules.builders import MONDAY, UNIT, at_home, known, seen


def profile_of(watch: Watch) -> Profile:
    profile = watch.profile("A1")
    assert profile is not None
    return profile


def test_a_day_is_learned_when_it_has_been_over_for_48_hours() -> None:
    watch = Watch()
    watch.observe(seen(at_ms=MONDAY + 12 * HOUR_MS))
    watch.observe(at_home(at_ms=MONDAY + 3 * DAY_MS - 1))
    assert profile_of(watch).new(COUNTRY, "SO", 90)
    watch.observe(at_home(at_ms=MONDAY + 3 * DAY_MS))
    profile = profile_of(watch)
    assert not profile.new(COUNTRY, "SO", 90)
    assert not profile.new(PREFIX, "252", 90)
    assert not profile.new(NUMBER, "252612345678", 90)
    assert not profile.new_source("203.0.113.9")
    assert profile.new(COUNTRY, "CA", 90)


def test_days_are_those_of_the_account() -> None:
    watch = Watch()
    evening = MONDAY + 2 * HOUR_MS
    watch.observe(seen(at_ms=evening, timezone="America/Toronto"))
    watch.observe(seen(at_ms=MONDAY + 2 * DAY_MS + 5 * HOUR_MS, timezone="America/Toronto"))
    assert not profile_of(watch).new(COUNTRY, "SO", 90), "it was Sunday there, and it is Wednesday"


def test_what_is_under_suspicion_waits_and_what_was_fraud_is_never_learned() -> None:
    verdicts = {MONDAY: Verdict.WAIT, MONDAY + DAY_MS: Verdict.SKIP}

    def learning(account: str, start_ms: int, end_ms: int) -> Verdict:
        assert (account, end_ms - start_ms) == ("A1", DAY_MS)
        return verdicts.get(start_ms, Verdict.LEARN)

    watch = Watch(learning=learning)
    for day, country in enumerate(("SO", "GM", "GB")):
        watch.observe(seen(at_ms=MONDAY + day * DAY_MS, call=("sw1", country), country=country))
    watch.observe(at_home(at_ms=MONDAY + 6 * DAY_MS))
    profile = profile_of(watch)
    assert [profile.new(COUNTRY, country, 90) for country in ("SO", "GM", "GB")] == [True, True, False]
    verdicts[MONDAY] = Verdict.LEARN
    watch.observe(at_home(at_ms=MONDAY + 7 * DAY_MS))
    assert [profile.new(COUNTRY, country, 90) for country in ("SO", "GM", "GB")] == [False, True, False]


def test_suspicion_that_nobody_settles_ends_in_not_learning() -> None:
    watch = Watch(learning=lambda _account, start_ms, _end_ms: Verdict.WAIT if start_ms == MONDAY else Verdict.LEARN)
    watch.observe(seen())
    for day in range(1, 12):
        watch.observe(at_home(at_ms=MONDAY + day * DAY_MS))
    assert MONDAY // DAY_MS not in profile_of(watch).days
    assert profile_of(watch).new(COUNTRY, "SO", 90)


def test_what_is_not_called_any_more_becomes_new_again() -> None:
    watch = Watch()
    watch.observe(seen())
    for day in (100, 130):
        watch.observe(at_home(at_ms=MONDAY + day * DAY_MS))
    assert profile_of(watch).new(COUNTRY, "SO", 90)
    assert not profile_of(watch).new(COUNTRY, "SO", 130)


def test_novelty_is_judged_after_fourteen_days() -> None:
    watch = Watch()
    watch.observe(at_home())
    watch.observe(at_home(at_ms=MONDAY + LEARNING_DAYS * DAY_MS - 1))
    assert not profile_of(watch).mature()
    watch.observe(at_home(at_ms=MONDAY + LEARNING_DAYS * DAY_MS))
    assert profile_of(watch).mature()


def test_spend_is_the_mean_of_the_last_weeks_by_hour() -> None:
    watch = Watch()
    for week, gross in enumerate((4 * UNIT, 8 * UNIT)):
        watch.observe(at_home(at_ms=MONDAY + week * 7 * DAY_MS + 12 * HOUR_MS, gross_micros=gross))
    watch.observe(at_home(at_ms=MONDAY + 11 * DAY_MS))
    profile = profile_of(watch)
    monday = (MONDAY + 14 * DAY_MS) // DAY_MS
    assert profile.usual_day_micros(monday) == 6 * UNIT
    assert profile.usual_day_micros(monday + 1) == 0
    noon = MONDAY + 14 * DAY_MS + 12 * HOUR_MS
    assert profile.usual_micros(noon + HOUR_MS, HOUR_MS) == 3 * UNIT
    assert profile.usual_micros(noon + 30 * MINUTE_MS, HOUR_MS) == (3 * UNIT + UNIT * 3 // 2) // 2
    assert profile.usual_micros(noon + 2 * HOUR_MS, 3 * HOUR_MS) == 6 * UNIT
    assert profile.usual_micros(noon, 7 * DAY_MS) == 6 * UNIT


def test_late_reports_belong_to_their_own_day_until_it_is_learned() -> None:
    watch = Watch()
    watch.observe(at_home(at_ms=MONDAY))
    watch.observe(at_home(at_ms=MONDAY + 2 * DAY_MS))
    watch.observe(seen(at_ms=MONDAY + 12 * HOUR_MS, gross_micros=UNIT))
    watch.observe(at_home(at_ms=MONDAY + 3 * DAY_MS))
    watch.observe(seen(at_ms=MONDAY + 13 * HOUR_MS, gross_micros=9 * UNIT, country="GM"))
    watch.observe(at_home(at_ms=MONDAY + 9 * DAY_MS))
    assert profile_of(watch).usual_day_micros(MONDAY // DAY_MS) == UNIT
    assert profile_of(watch).new(COUNTRY, "GM", 90)


def test_price_and_concurrency_are_the_highest_lately() -> None:
    watch = Watch()
    for each in range(3):
        watch.observe(seen(at_ms=MONDAY, call=("sw1", f"c{each}")))
    watch.observe(at_home(at_ms=MONDAY + 3 * DAY_MS))
    profile = profile_of(watch)
    assert (profile.top_rate_micros, profile.peak_thousandths) == (3_400_000, 3_000)
    watch.observe(at_home(at_ms=MONDAY + 40 * DAY_MS))
    assert 0 < profile.top_rate_micros < 1_700_000


def test_habits_are_bounded_and_the_longest_unused_go() -> None:
    watch = Watch()
    for each in range(200):
        day = MONDAY + (each // 10) * DAY_MS
        watch.observe(
            seen(
                at_ms=day,
                call=("sw1", f"c{each}"),
                country=f"c{each}",
                number=f"252{each:09d}",
                source=f"10.0.0.{each}",
            )
        )
    watch.observe(at_home(at_ms=MONDAY + 30 * DAY_MS))
    profile = profile_of(watch)
    assert all(len(habits) <= most for habits, most in zip(profile.habits, MOST_HABITS, strict=True))
    assert "c199" in profile.habits[COUNTRY]
    assert "c0" not in profile.habits[COUNTRY]
    assert "10.0.0.199" in profile.habits[SOURCE]


def test_a_usual_office_takes_less_than_two_kib() -> None:
    watch = Watch()
    midnight = known(watch, days=60)
    for each in range(12):
        number = f"4420712345{each:02d}"
        call = seen(at_ms=midnight, call=("sw1", f"gb{each}"), country="GB", prefix=f"44{each % 5}", number=number)
        watch.observe(call)
    watch.observe(at_home(at_ms=midnight + 4 * DAY_MS))
    assert len(json.dumps(profile_of(watch).row())) < 2_048


def test_rows_carry_a_profile_over() -> None:
    watch = Watch()
    known(watch)
    row = profile_of(watch).row()
    assert Profile.from_row(row).row() == row
