"""`guard account`, `guard accounts`, `guard ledger`: what a clerk reads out."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli import golden_files, pictures
from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

PATH = "/api/v1/accounts/A1001"


def lay_out(
    daemon: FakeDaemon, picture: object, *, path: str = PATH, statement: object = None, history: object = ()
) -> None:
    """One account with all that `guard account` asks for."""
    daemon.answer("GET", path, picture)
    daemon.answer("GET", f"{path}/statement", statement or pictures.statement())
    daemon.answer("GET", f"{path}/history", {"account": "A1001", "history": list(history)})  # type: ignore[call-overload]


def test_a_blocked_account_in_words(guard: Guard, daemon: FakeDaemon) -> None:
    by_hand = {"at": "2024-11-20T15:00:00.000Z", "by": "ana", "what": "limit", "reason": "EFT promised"}
    lay_out(daemon, pictures.blocked(), history=[by_hand])
    result = guard("account", "A1001")
    assert result.exit_code == 0
    assert all(len(line) <= 80 for line in result.output.splitlines())
    golden_files.check("account-blocked.txt", result.output)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (pictures.active(), "Active: nothing stands against its calls."),
        (pictures.active(state="warned", exposure="410.00"), "Warned: 82 % of its limit is used."),
        (pictures.active(state="closed"), "Closed."),
        (pictures.active(provisional=True), "Provisional: it has made calls"),
        (pictures.active(limit=None), "none"),
        (pictures.active(allow_until="2024-11-22T08:12:45Z"), "allows it until 22 Nov 2024 03:12"),
        (pictures.active(limit_until="2024-12-05T05:00:00Z"), "fixed, until 5 Dec 2024 00:00"),
        (
            pictures.active(burn_rate="21.30", reaches_limit_at="2024-11-22T08:12:45Z"),
            "At the present rate of 21.30 CAD a minute it reaches its limit at 22 Nov 2024",
        ),
        (pictures.active(live_call_count=3), "3 calls up"),
    ],
)
def test_an_account_in_other_states(guard: Guard, daemon: FakeDaemon, picture: object, said: str) -> None:
    lay_out(daemon, picture)
    assert said in guard("account", "A1001").output


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"confirmed": False}, "Not every switch has confirmed the block yet"),
        ({"effective": False}, "lets calls go on all the same"),
        ({"scope": "international"}, "Blocked for international calls since 22 Nov 2024 03:12"),
        ({"errors": [{"switch": "sw9", "error": "no"}]}, "Switch sw9 refuses it: no"),
    ],
)
def test_a_block_that_is_not_the_usual_one(
    guard: Guard, daemon: FakeDaemon, change: dict[str, object], said: str
) -> None:
    picture = pictures.blocked()
    picture["block"] |= change
    lay_out(daemon, picture)
    assert said in guard("account", "A1001").output


def test_several_causes_are_listed(guard: Guard, daemon: FakeDaemon) -> None:
    picture = pictures.blocked()
    by_hand = {"reason": "operator", "scope": "all", "since": "2024-11-22T09:00:00Z", "text": "Blocked by ana: fraud."}
    picture["block"]["causes"].append(by_hand)
    lay_out(daemon, picture)
    assert "- since 22 Nov 2024 04:00: Blocked by ana: fraud." in guard("account", "A1001").output


def test_what_customers_send_is_shown_as_text(guard: Guard, daemon: FakeDaemon) -> None:
    """A name cannot paint the terminal or be taken for markup."""
    lay_out(daemon, pictures.active(name="[red]\x1b[2J bold[/red]"))
    output = guard("account", "A1001").output
    assert "\x1b" not in output
    assert "[red]\N{REPLACEMENT CHARACTER}[2J bold[/red]" in output


def test_the_id_is_encoded_whole(guard: Guard, daemon: FakeDaemon) -> None:
    account = 'A/1 +#"<%'
    lay_out(daemon, pictures.active(account), path="/api/v1/accounts/A%2F1%20%2B%23%22%3C%25")
    result = guard("account", account)
    assert result.exit_code == 0
    assert account in result.output


def test_the_sums_add_up_on_paper(guard: Guard, daemon: FakeDaemon) -> None:
    """Each is rounded to cents; what is in flight bears what that leaves over."""
    picture = pictures.active(exposure="25.344")
    picture["balance"] |= {
        "owed": "83.195",
        "in_flight": "2.149",
        "pending_payments": "120.00",
        "trusted_payments": "60.00",
    }
    lay_out(daemon, picture)
    output = guard("account", "A1001").output
    assert "  Owed                      83.20 CAD" in output
    assert "  In flight                  2.14 CAD" in output
    assert "  Pending payments         -60.00 CAD  120.00 announced, this part counts" in output
    assert "  Exposure                  25.34 CAD" in output


def test_why_the_balance_is_what_it_is(guard: Guard, daemon: FakeDaemon) -> None:
    """The daemon's sentences, one below the other; a customer's text cannot paint the terminal."""
    lines = ["The balance is 98.35 CAD: " + "word " * 30, "Plan [red]x\x1b[2J."]
    lay_out(daemon, pictures.active(), statement=pictures.statement(lines=lines))
    output = guard("account", "A1001").output
    assert "Why the balance is what it is\n- The balance is 98.35 CAD: word word" in output
    assert "\n  word word" in output
    assert "- Plan [red]x\N{REPLACEMENT CHARACTER}[2J." in output
    assert all(len(line) <= 80 for line in output.splitlines())


def test_a_block_by_a_rule_names_it_and_its_end(guard: Guard, daemon: FakeDaemon) -> None:
    """One cause says how it ends; of several each says since when and by which rule."""
    cause: dict[str, object] = {"reason": "rule", "rule": "same-number", "scope": "all"}
    cause |= {"since": "2024-11-22T08:12:45.120Z"}
    cause |= {"until": None, "text": "12 calls in 15 minutes; 10 is the mark."}
    block = pictures.blocked()["block"]
    credit = block["causes"]
    for causes, said in (
        ([cause], "By rule same-number; an operator releases it."),
        ([cause | {"until": "2024-11-22T09:12:45Z"}], "By rule same-number; it ends at 22 Nov 2024 04:12."),
        ([*credit, cause], "- since 22 Nov 2024 03:12, rule same-number: 12 calls in 15 minutes; 10 is the mark."),
    ):
        lay_out(daemon, pictures.blocked() | {"block": block | {"causes": causes}})
        assert said in " ".join(guard("account", "A1001").output.split())


def test_json_is_what_the_daemon_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", PATH, pictures.blocked())
    assert json.loads(guard("account", "A1001", "--json").output) == pictures.blocked()


def test_the_list_of_accounts(guard: Guard, daemon: FakeDaemon) -> None:
    items = [
        pictures.item("A1001"),
        pictures.item("A1002", name="A name that is rather long for a column", state="blocked", exposure="1512.104"),
        pictures.item("A1003", limit=None),
    ]
    daemon.answer("GET", "/api/v1/accounts", {"accounts": items, "next": None})
    result = guard("accounts", "--state", "blocked", "--query", "acme")
    assert all(len(line) <= 80 for line in result.output.splitlines())
    golden_files.check("accounts.txt", result.output)
    query = parse_qs(urlsplit(daemon.asked[0].target).query)
    assert query == {"state": ["blocked"], "q": ["acme"], "limit": ["100"]}


def test_no_account_is_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", "/api/v1/accounts", {"accounts": [], "next": None})
    assert "No account is closed." in guard("accounts", "--state", "closed").output


def test_page_after_page_until_there_are_no_more(guard: Guard, daemon: FakeDaemon) -> None:
    """`next` is where the following page begins; the fake always says the same, so the limit ends it."""
    daemon.answer("GET", "/api/v1/accounts", {"accounts": [pictures.item("A 1")], "next": "A 1"})
    result = guard("accounts", "--limit", "3", "--json")
    assert len(json.loads(result.output)) == 3
    assert [parse_qs(urlsplit(asked.target).query).get("after") for asked in daemon.asked] == [None, ["A 1"], ["A 1"]]


def test_the_ledger_as_a_table(guard: Guard, daemon: FakeDaemon) -> None:
    lines = [
        pictures.line(),
        pictures.line(
            number=2, kind="payment", call="", to="", amount="-120.00", ref="p7", duration_ms=0, destination=""
        ),
        pictures.line(
            number=3, call="C2", to="911", amount="0.000000", emergency=True, duration_ms=3_725_000, destination=""
        ),
    ]
    answer = {"account": "A1001", "currency": "CAD", "lines": lines, "sum": "-118.95"}
    daemon.answer("GET", PATH + "/ledger", answer)
    result = guard("ledger", "A1001", "--from", "2024-11-01", "--to", "2024-12-01T00:00:00-05:00")
    assert all(len(line) <= 80 for line in result.output.splitlines())
    golden_files.check("ledger.txt", result.output)
    query = parse_qs(urlsplit(daemon.asked[0].target).query)
    assert query == {"from": ["2024-11-01"], "to": ["2024-12-01T00:00:00-05:00"]}


def test_the_ledger_shows_what_the_plan_covered(guard: Guard, daemon: FakeDaemon) -> None:
    """Only if it covered something; a long destination takes a line of its own, and all fits 80 columns."""
    lines = [
        pictures.line(
            to="+14165550100", covered_s=90, amount="0.00", destination="Canada, Toronto and the Golden Horseshoe"
        ),
        pictures.line(number=2, kind="correction", amount="-1234567.123456", duration_ms=0),
    ]
    daemon.answer("GET", PATH + "/ledger", {"account": "A1001", "currency": "CAD", "lines": lines, "sum": "0.00"})
    output = guard("ledger", "A1001").output
    assert "in plan" in output
    assert "1:30" in output
    assert all(len(line) <= 80 for line in output.splitlines())


def test_the_ledger_of_one_cycle(guard: Guard, daemon: FakeDaemon) -> None:
    """From the 1st to the next 1st, in the account's time zone: dates go as they are."""
    daemon.answer("GET", PATH + "/ledger", {"account": "A1001", "currency": "CAD", "lines": [], "sum": "0.00"})
    assert guard("ledger", "A1001", "--cycle", "2024-12").exit_code == 0
    query = parse_qs(urlsplit(daemon.asked[0].target).query)
    assert query == {"from": ["2024-12-01"], "to": ["2025-01-01"]}
    for wrong in (["--cycle", "2024-13"], ["--cycle", "2024-12", "--from", "2024-12-01"]):
        assert guard("ledger", "A1001", *wrong).exit_code == 2
    assert len(daemon.asked) == 1


def test_the_ledger_as_csv_is_passed_through(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.raw("GET", PATH + "/ledger", b"number,at\r\n1,x\r\n", "text/csv")
    result = guard("ledger", "A1001", "--csv")
    assert result.stdout_bytes == b"number,at\r\n1,x\r\n"
    assert daemon.asked[0].headers["accept"] == "text/csv"


def test_the_ledger_of_nobody(guard: Guard, daemon: FakeDaemon) -> None:
    for more in ([], ["--csv"], ["--json"]):
        result = guard("ledger", "A1", *more)
        assert result.exit_code == 1
        assert result.output == "guard: no such account\n"
    assert len(daemon.asked) == 3
    assert guard("ledger", "A1", "--csv", "--json").exit_code == 2
