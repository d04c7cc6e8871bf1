"""Plays a scenario: brings each line into the engine and holds what comes out against what is expected.

An expectation begins with a word that says what it is about:

    duplicate                                  what became of the input (`accepted` and `done` need no saying)
    warn A1 credit_limit mark=50 at=3s         a decision; all decisions must be expected, in their order
    sw1 block A1 seq=1 id=new                  what a switch was sent; all of a line's, once one is named
    notice blind sw1                           what on-call was told; all must be expected
    line A1 call 1.05                          a ledger line; all of a line's, once one is named
    A1 exposure=6.00 confirmed=no              how an account looks now
    sw1 waiting=1 lagging=no                   how a switch looks now

Fields that are not named may be anything. What happens while time passes up to a line belongs to that line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guard.core.decisions import Action, Command, NoticeKind, Send, SnapshotPart
from guard.core.money import format_money
from guard.core.records import Ack, BillingOutcome, IntentResult, Outcome, SwitchStatus
from guard.core.views import AccountState
from tests.scenarios.inputs import billing_of, flag, intent_of, moment, report_of, settings_of
from tests.scenarios.script import Line, Scenario, Words, span_ms
from tests.scenarios.stage import START_MS, Happened, Stage

ACTIONS = frozenset(action.value for action in Action)
RESULTS = frozenset(result.value for kind in (Outcome, BillingOutcome, IntentResult) for result in kind)
SILENT_RESULTS = frozenset({"accepted", "done", ""})
BILLING = frozenset({"account", "limit", "payment", "balance", "adjustment", "close", "invoice", "card"})
INTENTS = frozenset({"block", "release", "allow"})

Fields = Mapping[str, str]


class ScenarioFailedError(AssertionError):
    """What came out is not what was expected."""


@dataclass
class Seen:
    """What scenarios have shown, for the test that everything is shown by one."""

    outcomes: set[tuple[str, str]] = field(default_factory=set)
    """(report, billing or intent, what became of it)."""
    decisions: set[tuple[str, str, str]] = field(default_factory=set)
    """(action, reason, mode)."""
    transitions: set[tuple[str, str, str]] = field(default_factory=set)
    """(cause, what happened to it, reason)."""
    notices: set[str] = field(default_factory=set)
    states: set[AccountState] = field(default_factory=set)
    delivery: set[str] = field(default_factory=set)


def offset(at_ms: int | None) -> str:
    """A time as an offset from the scenario's start, in milliseconds."""
    return "none" if at_ms is None else f"{at_ms - START_MS}ms"


def yes(value: object) -> str:
    """A flag as scenarios write it."""
    return "yes" if value else "no"


def amount(micros: int | None) -> str:
    """Money as scenarios compare it."""
    return "none" if micros is None else format_money(micros)


class Player:
    """Plays one scenario."""

    def __init__(self, scenario: Scenario, seen: Seen) -> None:
        settings, manual = settings_of(scenario.settings)
        self._scenario = scenario
        self._seen = seen
        self._stage = Stage(settings, manual=manual)
        self._made_ids = 0
        self._ids_sent: set[tuple[str, str]] = set()

    def play(self) -> None:
        """Every line in its turn."""
        for line in self._scenario.lines:
            stage = self._stage
            before = self._causes()
            stage.advance_to(START_MS + line.at_ms)
            try:
                kind, result = self._enter(line)
            except ScenarioFailedError:
                raise
            except Exception as error:
                raise ScenarioFailedError(f"{line.place}: {error!r}") from error
            happened, stage.happened = stage.happened, Happened()
            if kind:
                self._seen.outcomes.add((kind, result))
            self._note(before, happened)
            self._judge(line, result, happened)

    # -- in

    def _enter(self, line: Line) -> tuple[str, str]:
        stage, words = self._stage, line.words
        kind = line.kind
        if kind == "report":
            switch = words.fields.get("switch", "sw1")
            return "report", stage.report(switch, report_of(words, stage.now_ms)).value
        if kind in BILLING:
            self._made_ids += 1
            return "billing", stage.billing(billing_of(kind, words, f"made-{self._made_ids}")).value
        if kind in INTENTS:
            return "intent", stage.intent(intent_of(kind, words)).value
        match kind:
            case "status":
                name, state = words.names
                stage.control(SwitchStatus(switch=name, up={"up": True, "down": False}[state]))
            case "ack":
                self._acknowledge(words)
            case "obedient":
                stage.manual -= set(words.names)
            case "restart":
                stage.restart()
            case "subscribed":
                stage.subscribed()
            case "many":
                self._many(words)
            case "wait":
                pass
            case _:
                raise ScenarioFailedError(f"{line.place}: {kind} is no kind of input")
        return "", ""

    def _many(self, words: Words) -> None:
        """`many 1200 block`: so many accounts, each blocked by an operator; nothing of it is looked at."""
        for number in range(int(words.names[0])):
            account = f"M{number:05d}"
            self._stage.billing(billing_of("account", Words((account,), {}), f"many-{number}"))
            self._stage.intent(intent_of("block", Words((account,), {})))
        self._stage.happened = Happened()

    def _acknowledge(self, words: Words) -> None:
        """`ack sw1 A1`: the last command for the account; `ack sw1 snapshot part=2`: the last snapshot, or `back=1`."""
        stage, fields = self._stage, words.fields
        switch, what = words.names
        sent = stage.sent[switch]
        back = int(fields.get("back", "0"))
        if what == "snapshot":
            ids = list(dict.fromkeys(message.id for message in sent if isinstance(message, SnapshotPart)))
        else:
            ids = list(
                dict.fromkeys(
                    message.id for message in sent if isinstance(message, Command) and message.account == what
                )
            )
        stage.control(
            Ack(
                switch=switch,
                id=ids[-1 - back],
                ok=flag(fields.get("ok", "yes")),
                account="" if what == "snapshot" else what,
                at_ms=None if fields.get("at") == "none" else moment(fields["at"]) if "at" in fields else stage.now_ms,
                error=fields.get("error", ""),
                part=int(fields["part"]) if "part" in fields else None,
            )
        )

    # -- out

    def _judge(self, line: Line, result: str, happened: Happened) -> None:
        decisions: list[Words] = []
        sends: list[Words] = []
        notices: list[Words] = []
        lines: list[Words] = []
        wanted_result = ""
        for words in line.expected:
            first = words.names[0]
            if first in ACTIONS:
                decisions.append(words)
            elif first == "notice":
                notices.append(words)
            elif first == "line":
                lines.append(words)
            elif len(words.names) == 1 and first in RESULTS:
                wanted_result = first
            elif len(words.names) > 1:
                sends.append(words)
            else:
                self._look(line, first, words.fields)
        silent = result in SILENT_RESULTS and not wanted_result
        if not silent and result != wanted_result:
            raise ScenarioFailedError(f"{line.place}: expected {wanted_result or 'accepted'}, got {result}")
        self._compare(line, "decisions", decisions, [self._decision(d) for d in happened.decisions])
        self._compare(line, "notices", notices, [self._notice(n) for n in happened.notices])
        told = [self._send(send) for send in happened.sends]
        if sends:
            nothing = [words for words in sends if words.names[1:] == ("nothing",)]
            sends = [words for words in sends if words not in nothing]
            self._compare(line, "sends", sends, told)
        if lines:
            self._compare(line, "ledger lines", lines, [self._line(each) for each in happened.lines])

    def _compare(self, line: Line, what: str, expected: Sequence[Words], got: Sequence[Words]) -> None:
        if len(expected) == len(got) and all(map(self._matches, expected, got)):
            return
        wanted = "".join(f"\n    {words}" for words in expected) or "\n    none"
        came = "".join(f"\n    {words}" for words in got) or "\n    none"
        raise ScenarioFailedError(f"{line.place}: {what} expected:{wanted}\n  got:{came}")

    def _matches(self, expected: Words, got: Words) -> bool:
        if expected.names != got.names[: len(expected.names)]:
            return False
        return all(self._equal(name, value, got.fields.get(name)) for name, value in expected.fields.items())

    def _equal(self, name: str, expected: str, got: str | None) -> bool:
        if got is None:
            return False
        if name == "text":
            return expected in got
        if got.endswith("ms"):
            return expected != "none" and span_ms(expected) == span_ms(got)
        return expected == got

    def _look(self, line: Line, name: str, fields: Fields) -> None:
        stage = self._stage
        shown = self._switch(name) if name in stage.engine.world.switches else self._account(name)
        for key, value in fields.items():
            if not self._equal(key, value, shown.get(key)):
                raise ScenarioFailedError(
                    f"{line.place}: {name}: expected {key}={value}, got {shown.get(key)}\n    {dict(shown)}"
                )

    # -- what came out, in the words of scenarios

    @staticmethod
    def _decision(decision: object) -> Words:
        from guard.core.decisions import Decision

        assert isinstance(decision, Decision)
        return Words(
            (decision.action.value, decision.account, decision.reason.value),
            {
                "mark": decision.mark or "none",
                "mode": decision.mode.value,
                "at": offset(decision.at_ms),
                "scope": decision.scope.value,
                "exposure": amount(decision.exposure_micros),
                "limit": amount(decision.limit_micros),
                "currency": decision.currency,
                "by": decision.by or "none",
                "text": decision.text,
            },
        )
