"""A world from its seed: the same every time, honest about money, and obedient; its recording can be read back."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest

from guard.core.money import parse_money
from guard.core.records import Direction, Event
from guard.replay.bills import Message
from guard.replay.cases.library import SCENARIOS, UnknownScenarioError, chosen, default_mix
from guard.replay.cases.setting import NotStagedError
from guard.replay.recorder import Recorder
from guard.replay.reportfiles import OrderedReports, Tally, read_reports
from guard.replay.switch import STOPPABLE
from guard.replay.weeks import DAY_MS
from guard.replay.world import World
from guard.wire.billing import decode_billing
from guard.wire.reports import decode_reports
from tests.replay.builders import block
from tests.replay.worlds import START_MS, world


def record(made: World, path: Path) -> Recorder:
    with Recorder(path) as recorder:
        for _, switch, report in made.events(recorder.bills):
            recorder.report(switch, report)
        recorder.finish(made.cases, made.simulation.switch.truth, START_MS)
    return recorder


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        record(world("all", seed=3, days=2, accounts=40), tmp_path / name / "h.ndjson.gz")
    written = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert written == [
        "h.billing.ndjson", "h.cases.ndjson", "h.labels.csv", "h.ndjson.gz", "h.plans.toml", "h.tariff.csv",
    ]  # fmt: skip
    for name in written:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_case_changes_nothing_for_anybody_else() -> None:
    def others(*names: str) -> list[tuple[int, str | None, str]]:
        made = world(*names, seed=4, days=6, accounts=10)
        touched = {each.account for each in made.customers if each.account.startswith("N-")}
        events = [(at_ms, report.to, report.account) for at_ms, _, report in made.events()]
        touched |= {account for _, account in made.simulation.switch.truth.cases()}
        return [event for event in events if event[2] not in touched | victim]

    with_case = world("pbx-irsf", seed=4, days=6, accounts=10)
    list(with_case.events())
    victim = {account for _, account in with_case.simulation.switch.truth.cases()}
    assert others("pbx-irsf") == others()


def test_recorded_reports_are_read_back_by_guards_own_reader(tmp_path: Path) -> None:
    recorder = record(world("surprises", "wangiri", seed=1, days=2, accounts=80), tmp_path / "h.ndjson.gz")
    tally = Tally()

    def check(text: bytes) -> tuple[int, str, bytes]:
        (report,) = decode_reports(text, START_MS + 5 * DAY_MS).reports
        return report.at_ms, json.loads(text)["switch"], text

    with OrderedReports() as ordered:
        ordered.add(read_reports(recorder.path, check, tally))
        times = [report.at_ms for report in ordered]
    assert (tally.bad, tally.reports) == (0, recorder.count)
    assert times == sorted(times)


def test_recorded_billing_is_understood_and_invoices_are_what_was_posted(tmp_path: Path) -> None:
    """Until midnight of the 1st there, all that was charged has been invoiced, and nothing else."""
    recorder = record(world("none", seed=2, days=34), tmp_path / "h.ndjson")
    lines = recorder.billing.read_bytes().splitlines()
    for line in lines:
        decoded = decode_billing(line)
        assert (len(decoded.messages), decoded.refusals) == (1, [])
    said = [json.loads(line) for line in lines]
    assert [each["at"] for each in said] == sorted(each["at"] for each in said)
    assert {each["status"] for each in said if each["type"] == "payment"} >= {"posted"}
    invoiced: defaultdict[str, int] = defaultdict(int)
    until: dict[str, str] = {}
    for each in said:
        if each["type"] == "invoice" and each["at"] > "2026-09-01T00:00:00.000Z":
            invoiced[each["account"]] += parse_money(each["amount"])
            until[each["account"]] = each["at"]
    assert max(until.values()) > "2026-10-01"
    ended: defaultdict[str, int] = defaultdict(int)
    for line in recorder.path.read_bytes().splitlines():
        report = json.loads(line)
        if report["event"] == "ended" and report["at"] < until.get(report["account"], ""):
            ended[report["account"]] += parse_money(report["charge"])
    assert invoiced == ended


def test_fraud_is_on_no_invoice() -> None:
    made = world("stolen-login", seed=3, days=40)
    said: list[Message] = []
    last_ms = max(at_ms for at_ms, _, _ in made.events(said.extend))
    switch = made.simulation.switch
    ((_, victim), part), *_ = switch.truth.cases().items()
    amounts = [parse_money(each["amount"]) for each in said if each["type"] == "invoice" and each["account"] == victim]
    assert len(amounts) == 2
    assert sum(amounts) < switch.spent_micros(victim, last_ms) - part.spent_micros + amounts[0]


def test_labels_say_where_fraud_was_and_surprises_were(tmp_path: Path) -> None:
    made = world("wangiri", "new-branch", "stuck-call", seed=1, days=4)
    recorder = record(made, tmp_path / "h.ndjson")
    with recorder.labels.open(newline="") as file:
        rows = list(csv.DictReader(file))
    cases = [json.loads(line) for line in recorder.cases.read_bytes().splitlines()]
    frauds = [(each["account"], each["start"], each["end"]) for each in cases if each["label"] == "fraud"]
    assert frauds == [(row["account"], row["start"], row["end"]) for row in rows if row["label"] == "fraud"]
    assert len(frauds) >= 2
    assert sum(row["label"] == "good" for row in rows) == 2
    assert all(parse_money(each["spent"]) > 0 for each in cases if each["label"] == "fraud")


def test_packed_files_bear_no_time(tmp_path: Path) -> None:
    recorder = record(world("none", days=1, accounts=3), tmp_path / "h.ndjson.gz")
    assert recorder.path.read_bytes()[3:8] == b"\0" * 5
    assert len(gzip.decompress(recorder.path.read_bytes()).splitlines()) == recorder.count


def test_blocked_at_its_second_call_a_fraud_costs_a_fraction_and_the_rest_is_known_to_be_saved() -> None:
    """The attacker tries other ranges, is refused there too, and gives up; the office's incoming calls go on."""
    free = world("pbx-irsf", seed=1, days=8)
    lost = sum(1 for _ in free.events()) and next(iter(free.simulation.switch.truth.cases().values())).spent_micros
    guarded = world("pbx-irsf", seed=1, days=8)
    (account,) = {account for _, account in free.simulation.switch.truth.cases()}
    dear, blocked_ms = 0, 0
    after = set()
    for at_ms, _, report in guarded.events():
        if report.account != account:
            continue
        dear += report.event is Event.ANSWERED and (report.rate_micros or 0) >= 1_000_000
        if dear == 2 and not blocked_ms:
            blocked_ms = at_ms
            guarded.simulation.obey(block(1, account), at_ms)
        elif blocked_ms and at_ms > blocked_ms and report.event is Event.ANSWERED:
            after.add(report.direction)
    truth = guarded.simulation.switch.truth.cases()["pbx-irsf-1", account]
    assert truth.spent_micros * 20 < lost
    assert truth.saved_micros > 0
    assert 3 * 3 <= truth.refused <= 12
    assert not after & set(STOPPABLE)
    assert Direction.INCOMING in after


def test_the_last_calls_end_and_every_account_has_its_truth() -> None:
    made = world("none", days=2, accounts=30)
    ended: defaultdict[str, int] = defaultdict(int)
    last_ms = 0
    for at_ms, _, report in made.events():
        assert at_ms >= last_ms
        last_ms = at_ms
        if report.event is Event.ENDED:
            ended[report.account] += report.charge_micros or 0
    assert made.simulation.switch.live_calls == 0
    assert last_ms < START_MS + 3 * DAY_MS
    truth = made.simulation.switch.truth.accounts()
    assert {account: each.posted_micros for account, each in truth.items()} == dict(ended)


def test_names_are_taken_alone_repeated_and_by_family() -> None:
    assert [each.name for each in chosen(["sale", "sale", "none"])] == ["sale", "sale"]
    assert chosen(["all"]) == list(SCENARIOS)
    assert len(chosen(["frauds", "sly", "surprises"])) == len(SCENARIOS)
    assert [case.id for case in world("sale", "sale").cases] == ["sale-1", "sale-2"]


def test_a_wrong_name_gets_the_nearest_and_all_others() -> None:
    with pytest.raises(UnknownScenarioError, match="did you mean pbx-irsf") as caught:
        chosen(["pbx-isrf"])
    assert all(scenario.name in str(caught.value) for scenario in SCENARIOS)


def test_the_default_mix_leaves_most_customers_alone() -> None:
    assert default_mix(5, 1) == []
    assert len(default_mix(100, 1)) == 8
    assert default_mix(1_000, 1) == list(SCENARIOS)
    assert default_mix(100, 1) != default_mix(100, 2)


def test_too_few_accounts_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(NotStagedError, match="--accounts"):
        world("wangiri", accounts=1)
