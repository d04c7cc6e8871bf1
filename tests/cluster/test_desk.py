"""The page and the API of a cluster, asked at nodes that do not hold what is asked for: as a single daemon's.

The same history goes through a daemon and through two workers; then both are asked the same, and must answer the same.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from guard.core.partitions import partition_of
from tests.acceptance.guardproc import Guard
from tests.acceptance.switchclient import SwitchClient
from tests.cluster.ground import LIMIT
from tests.cluster.processes import WorkerProcess, wait_until
from tests.cluster.rig import open_rig
from tests.http.test_schemathesis import tried
from tests.integration.mosquitto import Mosquitto

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

RULES = """
[[rule]]
id = "dear-call"
title = "One dear call"
mode = "enforce"
measure = "gross"
window = "1h"
per = "account"
where = { country = ["DJ"] }
block = "5.00"
scope = "international"
"""
ACCOUNTS = [f"A/{number} %" for number in range(1, 41)]
SPOKEN = 8
"""Of the accounts so many come to a mark of their limit."""
REJECTED, APPROVED = "R3", "R4"
PAGES = [
    "/",
    "/accounts",
    "/accounts?state=blocked",
    "/held",
    "/decisions",
    "/rules",
    "/model",
    "/switches",
    "/history",
]


@dataclass
class Asked:
    """Something that answers by HTTP."""

    url: str

    def request(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and body (JSON if it is that)."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers} if data else headers
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                status, text, kind = answer.status, answer.read(), answer.headers.get_content_type()
        except urllib.error.HTTPError as error:
            with error:
                status, text, kind = error.code, error.read(), error.headers.get_content_type()
        return status, json.loads(text) if kind.endswith("json") else text.decode()

    def get(self, path: str) -> Any:
        """What must be there."""
        status, body = self.request("GET", path)
        assert status == HTTPStatus.OK, (path, body)
        return body

    def every(self, path: str, what: str) -> list[dict[str, Any]]:
        """All pages of a list, one after the other."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.get(f"{path}&after={quote(after, safe='')}")
            found += page[what]
            if page["next"] is None:
                return found
            assert page[what], "a page that is not the last has something on it"
            after = page["next"]


@dataclass
class Described:
    """A node whose description is tried out."""

    url: str
    folder: Path
    log: Path


@dataclass
class Both:
    """A daemon and a cluster that have been told the same."""

    daemon: Asked
    first: Asked
    second: Asked
    workers: list[WorkerProcess]
    switches: list[SwitchClient]

    @property
    def nodes(self) -> tuple[Asked, Asked]:
        return self.first, self.second

    def node_that_does_not_hold(self, account: str) -> Asked:
        """By what the workers say of their partitions."""
        partition = f'guard_partition_lag_entries{{partition="{partition_of(account)}"}}'
        return self.second if partition in self.first.request("GET", "/metrics")[1] else self.first


def history(began_s: float) -> Iterator[tuple[str, object]]:
    """What the switch and billing say."""
    yield "status", {"status": "up"}
    for number, account in enumerate(ACCOUNTS):
        card = {"name": f"Acme {number} Äpfel", "currency": "CAD", "timezone": "America/Toronto"}
        limit = {"limit": str(10 + number if number % 7 else 2)}
        yield "bill", {"type": "account", "id": f"m{number}", "account": account, "credit": limit} | card
        if number % 5 == 0:
            paid = {"amount": "3.25", "method": "card", "status": "posted", "at": began_s + 1}
            yield "bill", {"type": "payment", "id": f"p{number}", "account": account} | paid
            period = {"amount": "12.50", "period_start": "2026-10-01", "period_end": "2026-11-01", "at": began_s + 1}
            yield "bill", {"type": "invoice", "id": f"i{number}", "account": account} | period
        call = {"call": f"c{number}", "account": account, "to": "+16475550100", "rate": "0"}
        yield "calls", call | {"event": "answered", "at": began_s + 2, "duration_ms": 0, "charge": "0"}
        yield "calls", call | {"event": "tick", "at": began_s + 3, "duration_ms": 1_000, "charge": str(1 + number % 4)}
        if number % 3:
            charge = str(2 + number * 2 // 3)
            yield "calls", call | {"event": "ended", "at": began_s + 4, "duration_ms": 2_000, "charge": charge}
    foreign = {"event": "ended", "at": began_s + 4, "duration_ms": 1, "charge": "1", "currency": "USD"}
    yield "calls", {"call": "q1", "account": ACCOUNTS[0], "to": "+16475550100"} | foreign


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    (folder / "rules").mkdir()
    (folder / "rules" / "dear.toml").write_text(RULES)
    more = f'\n[rules]\ndir = "{folder / "rules"}"\n[fuse]\nblocks = 1\n[model]\nmode = "off"\n'
    with (
        open_rig(folder / "rig", more=more) as rig,
        Mosquitto(folder / "mosquitto") as broker,
        Guard(folder / "daemon", broker.url, more=f'[accounts]\ndefault_limit = "{LIMIT}"\n{more}') as daemon,
        SwitchClient(broker.port) as switch,
        SwitchClient(rig.ground.broker.port) as same_switch,
    ):
        workers = [rig.join(), rig.join()]
        rig.settle("the start")
        first, second = (Asked(worker.events("listening")[-1]["url"]) for worker in workers)
        made = Both(Asked(daemon.url), first, second, workers, [switch, same_switch])
        told = list(history(time.time() - 60))
        # Between calls and billing no order is promised.
        tell(made, [each for each in told if each[0] != "calls"], lambda asked: len(listed(asked)) == len(ACCOUNTS))
        tell(made, [each for each in told if each[0] == "calls"], lambda asked: len(decided(asked)) >= SPOKEN)
        close = {"type": "close", "id": "z1", "account": ACCOUNTS[-1]}
        tell(made, [("bill", close)], lambda asked: asked.get(path_of(ACCOUNTS[-1]))["state"] == "closed")
        yield made


def tell(both: Both, said: list[tuple[str, object]], reached: Callable[[Asked], bool]) -> None:
    """Tell both the same; return when both have read it, and stand alike."""
    for kind, body in said:
        sent = [each.bill(body) if kind == "bill" else each.say(kind, body) for each in both.switches]
        for each in sent:
            each.wait_for_publish(10)
    for asked in (both.daemon, both.first):
        wait_until(partial(reached, asked), "it is read")
    for what in (decided, standing):
        with suppress(AssertionError):
            wait_until(partial(alike, both, what), "both stand alike", 40)
        assert what(both.first) == what(both.daemon)


def standing(asked: Asked) -> list[dict[str, Any]]:
    """All accounts; an operator's doing is of its own moment at each."""
    found: list[dict[str, Any]] = without(listed(asked), "allow_until")
    return found


def gives(asked: Callable[[], object], wanted: object) -> bool:
    return asked() == wanted


def alike(both: Both, what: Callable[[Asked], list[Any]]) -> bool:
    return what(both.first) == what(both.daemon)


def is_decided(account: str, asked: Asked) -> bool:
    return account in {each[0] for each in decided(asked)}


def decided(asked: Asked) -> list[tuple[str, ...]]:
    """All decisions, whatever their order."""
    told = ("account", "action", "reason", "rule", "mark", "exposure", "limit", "scope", "mode", "text")
    found = asked.every("/api/v1/decisions?limit=7", "decisions")
    assert len({each["id"] for each in found}) == len(found), "none is shown twice"
    return sorted(tuple(str(each[name]) for name in told) for each in found)


def listed(asked: Asked) -> list[dict[str, Any]]:
    return asked.every("/api/v1/accounts?limit=7", "accounts")


def path_of(account: str, what: str = "") -> str:
    return f"/api/v1/accounts/{quote(account, safe='')}{what}"


def without(told: Any, *names: str) -> Any:
    """The same without what may differ: ids, moments and what follows from them."""
    if isinstance(told, dict):
        return {name: without(value, *names) for name, value in told.items() if name not in names}
    return [without(each, *names) for each in told] if isinstance(told, list) else told


def test_accounts_are_listed_alike(both: Both) -> None:
    for query in ("", "&state=blocked", "&state=active", "&state=warned", "&state=closed", "&q=%C3%84PFEL", "&q=A/1"):
        wanted = both.daemon.every(f"/api/v1/accounts?limit=3{query}", "accounts")
        assert wanted, query
        for node in both.nodes:
            # Whether a switch has confirmed is what the workers told a moment ago.
            list_ = partial(node.every, f"/api/v1/accounts?limit=3{query}", "accounts")
            wait_until(partial(gives, list_, wanted), f"{node.url} lists the same: {query}")


def test_an_account_its_ledger_and_its_statement_are_alike(both: Both) -> None:
    moments = (
        "at",
        "since",
        "id",
        "number",
        "answered_at",
        "last_report_at",
        "spends_per_day",
        "reaches_limit_in_days",
    )
    for account in (*ACCOUNTS[:6], ACCOUNTS[-1]):
        for what in ("", "/ledger", "/statement", "/history"):
            wanted = without(both.daemon.get(path_of(account, what)), *moments)
            for node in both.nodes:
                assert without(node.get(path_of(account, what)), *moments) == wanted, (account, what)
        csv = both.daemon.request("GET", path_of(account, "/ledger"), Accept="text/csv")
        assert csv[0] == HTTPStatus.OK
        assert both.second.request("GET", path_of(account, "/ledger"), Accept="text/csv")[0] == HTTPStatus.OK


def test_what_is_not_there_is_not_there_alike(both: Both) -> None:
    for path in (
        path_of("nobody"),
        path_of("nobody", "/ledger"),
        path_of("nobody", "/profile"),
        "/api/v1/decisions?after=x&limit=0",
        "/api/v1/decisions?after=01JD0000000000000000000000",
        "/api/v1/decisions?after=x",
        "/api/v1/history?after=x",
        "/api/v1/quarantine?after=x",
        "/api/v1/accounts?state=asleep",
        "/api/v2",
    ):
        wanted = both.daemon.request("GET", path)
        assert wanted[0] >= HTTPStatus.BAD_REQUEST
        assert both.first.request("GET", path) == wanted


def test_lists_of_the_whole_are_alike_at_every_node(both: Both) -> None:
    def rest(asked: Asked) -> dict[str, Any]:
        return {
            "switches": without(asked.get("/api/v1/switches"), "last_heard", "skew_ms"),
            "rules": asked.get("/api/v1/rules"),
            "review": without(asked.get("/api/v1/limits/review"), "spends_per_day"),
            "quarantine": without(asked.get("/api/v1/quarantine"), "number", "received_at"),
            "webhooks": asked.get("/api/v1/webhooks"),
            "deliveries": asked.get("/api/v1/webhooks/deliveries"),
            "model": asked.get("/api/v1/model"),
            "openapi": asked.get("/api/v1/openapi.json"),
        }

    wanted = rest(both.daemon)
    for node in both.nodes:
        wait_until(lambda node=node: rest(node)["switches"] == wanted["switches"], "all workers have told", 30)  # type: ignore[misc]
        assert rest(node) == wanted


def test_decisions_are_followed_page_by_page_and_by_id_without_a_gap(both: Both) -> None:
    whole = [each["id"] for each in both.second.every("/api/v1/decisions?limit=1000", "decisions")]
    assert len(whole) > SPOKEN
    for limit in (1, 4):
        paged = [each["id"] for each in both.second.every(f"/api/v1/decisions?limit={limit}", "decisions")]
        assert sorted(paged) == sorted(whole)
    page = both.second.get(f"/api/v1/decisions?after={whole[-1]}")
    assert len(page["decisions"]) <= len(whole)
    mine = both.first.every(f"/api/v1/decisions?limit=1&account={quote(ACCOUNTS[7], safe='')}", "decisions")
    assert {each["account"] for each in mine} == {ACCOUNTS[7]}


def test_an_operator_acts_at_a_node_that_does_not_hold_the_account(both: Both) -> None:
    account = ACCOUNTS[2]
    node = both.node_that_does_not_hold(account)
    other = both.first if node is both.second else both.second

    def act(what: str, **said: str) -> dict[str, Any]:
        """At both, which say the same."""
        done = [asked.request("POST", path_of(account, what), {"by": "ana"} | said) for asked in (both.daemon, node)]
        assert [status for status, _ in done] == [HTTPStatus.OK] * 2, done
        told: dict[str, Any] = done[1][1]
        assert (told["state"], told["limit"]) == (done[0][1]["state"], done[0][1]["limit"])
        return told

    told = act("/block", reason="stolen phone", scope="international")
    assert (told["state"], told["block"]["scope"]) == ("blocked", "international")
    assert other.get(path_of(account))["state"] == "blocked", "whoever looks next, wherever, sees it"
    wait_until(lambda: other.get(path_of(account))["block"]["confirmed"], "the switch has confirmed")
    assert act("/release", reason="found")["state"] == "active"
    assert act("/limit", reason="asked", limit="77")["limit"] == "77.00"
    done = [(each["by"], each["what"]) for each in other.get(path_of(account, "/history"))["history"]]
    assert done == [("ana", "limit"), ("ana", "release"), ("ana", "block")]


def test_what_a_switch_refuses_is_shown_alike_until_it_obeys(both: Both) -> None:
    account, error = ACCOUNTS[1], "no such trunk"
    refusal = [{"switch": "sw1", "error": error}]

    def errors(asked: Asked) -> object:
        return asked.get(path_of(account))["block"]["errors"]

    def answer(asked: Asked, switch: SwitchClient, *, ok: bool) -> None:
        (command,) = {each["id"]: each for each in switch.commands(account, "block")}.values()
        switch.acknowledge(command, ok=ok, error="" if ok else error)
        wait_until(partial(gives, partial(errors, asked), [] if ok else refusal), f"{asked.url} shows it")

    def stands(asked: Asked) -> tuple[bool, object]:
        block = asked.get(path_of(account))["block"]
        return block["confirmed"], block["errors"]

    for switch in both.switches:
        switch.acknowledges = False
    for asked, switch in ((both.daemon, both.switches[0]), (both.second, both.switches[1])):
        status, _ = asked.request("POST", path_of(account, "/block"), {"by": "ana", "reason": "stolen phone"})
        assert status == HTTPStatus.OK
        wait_until(lambda switch=switch: switch.commands(account, "block"), "the switch is told")  # type: ignore[misc]
        answer(asked, switch, ok=False)
    for asked in (both.daemon, *both.nodes):
        wait_until(partial(gives, partial(stands, asked), (False, refusal)), f"{asked.url} shows the error")
        assert error in asked.get(f"/accounts/{quote(account, safe='')}")
    for asked, switch in ((both.daemon, both.switches[0]), (both.second, both.switches[1])):
        answer(asked, switch, ok=True)
        switch.acknowledges = True
    for asked in (both.daemon, *both.nodes):
        wait_until(partial(gives, partial(stands, asked), (True, [])), f"{asked.url} shows that it is obeyed")
    for asked in (both.daemon, both.first):
        assert asked.request("POST", path_of(account, "/release"), {"by": "ana", "reason": "found"})[0] == HTTPStatus.OK


def test_what_cannot_be_done_is_refused_alike(both: Both) -> None:
    why = {"by": "ana", "reason": "x"}
    for path, said in (
        (path_of("nobody", "/block"), why),
        (path_of(ACCOUNTS[-1], "/release"), why),
        (path_of(ACCOUNTS[1], "/forget"), why),
        (path_of(ACCOUNTS[1], "/limit"), why | {"suggested": True}),
        (path_of(ACCOUNTS[1], "/block"), why | {"until": "2020-01-01T00:00:00Z"}),
        ("/api/v1/held/none/approve", why),
        ("/api/v1/webhooks/none/resend", why),
    ):
        wanted = both.daemon.request("POST", path, said)
        assert wanted[0] >= HTTPStatus.BAD_REQUEST
        for node in both.nodes:
            assert node.request("POST", path, said) == wanted, path


def test_the_fuse_and_what_it_holds_are_judged_at_any_node(both: Both) -> None:
    """The one after the bound opens it, and is let through itself; how that differs is `guard.core.fuses`."""
    switch = both.switches[1]

    def call(account: str) -> None:
        answered = {"call": f"of-{account}", "account": account, "to": "+25377123456", "rate": "0", "at": time.time()}
        switch.say("calls", answered | {"event": "answered", "duration_ms": 0, "charge": "6.00"}).wait_for_publish(10)
        wait_until(partial(is_decided, account, both.first), "it is decided")

    def stands(node: Asked) -> tuple[bool, list[str]]:
        told = node.get("/api/v1/held")
        return told["fuse_open"], [each["account"] for each in told["held"]]

    def expect(wanted: tuple[bool, list[str]]) -> None:
        for node in both.nodes:
            with suppress(AssertionError):
                wait_until(partial(gives, partial(stands, node), wanted), f"{node.url} says so", 30)
            assert stands(node) == wanted

    def judge(node: Asked, verdict: str, held: str) -> tuple[int, Any]:
        return node.request("POST", f"/api/v1/held/{held}/{verdict}", {"by": "ana", "reason": "I know them"})

    call("R1")
    call("R2")
    expect((True, []))
    call(REJECTED)
    call(APPROVED)
    expect((True, [REJECTED, APPROVED]))
    waiting = {each["account"]: each["id"] for each in both.first.get("/api/v1/held")["held"]}
    status, told = judge(both.first, "reject", waiting[REJECTED])
    assert (status, told["state"]) == (HTTPStatus.OK, "warned")
    status, told = judge(both.second, "approve", waiting[APPROVED])
    assert (status, told["state"]) == (HTTPStatus.OK, "blocked")
    assert judge(both.first, "approve", waiting[APPROVED])[0] == HTTPStatus.NOT_FOUND
    closing = both.second.request("POST", "/api/v1/fuse/close", {"by": "ana", "reason": "looked at it"})
    assert closing[0] == HTTPStatus.OK
    expect((False, []))
    assert "close_fuse" in {each["what"] for each in both.first.get("/api/v1/history")["history"]}


def test_history_that_was_before_guard_is_learned_at_any_node(both: Both) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 20 * 86_400))
    until = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 5 * 86_400))
    profiles = [{"account": account, "from": day, "until": until, "days": []} for account in ACCOUNTS[:9]]
    for asked in (both.daemon, both.second):
        status, told = asked.request("POST", "/api/v1/profiles", {"profiles": profiles})
        assert status == HTTPStatus.OK
        assert [(each["account"], each["days"]) for each in told["learned"]] == [(each, 15) for each in ACCOUNTS[:9]]


def test_every_page_is_there_at_every_node(both: Both) -> None:
    for node in both.nodes:
        for page in (*PAGES, "/accounts/A%2F3%20%25", "/accounts/A%2F3%20%25/statement"):
            text = node.get(page)
            assert "<!doctype html>" in text
            assert "have no owner" not in text
        assert "A/1 %" in node.get("/accounts?q=acme+0")


def test_a_reload_is_of_one_worker_and_says_so(both: Both) -> None:
    status, told = both.first.request("POST", "/-/reload")
    assert status == HTTPStatus.OK
    assert "only worker" in told["remarks"][-1]
    noted = [each for each in both.second.get("/api/v1/history")["history"] if each["what"] == "reload"]
    assert len(noted) == 1, "not once for each partition"


def test_what_is_described_is_what_a_node_answers(both: Both, tmp_path: Path) -> None:
    """As for the daemon (`tests/http/test_schemathesis.py`)."""
    worker = both.workers[0]
    tried(Described(both.first.url, tmp_path, worker.log), "--phases", "coverage,fuzzing", "--max-examples", "2")


def test_what_was_asked_for_survives_the_death_of_whoever_was_to_do_it(both: Both) -> None:
    """The last one: a worker is killed. Asked once, it is done once, whether or not the operator was told in time."""
    account = next(each for each in ACCOUNTS if both.node_that_does_not_hold(each) is both.second)
    blocked_before = [each for each in both.second.get(path_of(account, "/history"))["history"] if each["by"] == "eve"]
    assert blocked_before == []
    both.workers[0].kill()
    status, _ = both.second.request("POST", path_of(account, "/block"), {"by": "eve", "reason": "in the storm"})
    assert status in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
    wait_until(lambda: both.second.get(path_of(account))["state"] == "blocked", "it is carried out")
    done = [each["what"] for each in both.second.get(path_of(account, "/history"))["history"] if each["by"] == "eve"]
    assert done == ["block"]
