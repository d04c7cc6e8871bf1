"""Plays a scenario: brings each line into the engine and holds what comes out against what is expected.

An expectation begins with a word that says what it is about:

    duplicate                                  what became of the input (`accepted` and `done` need no saying)
    warn A1 credit_limit mark=50 at=3s         a decision; all decisions must be expected, in their order
    sw1 block A1 seq=1 id=new                  what a switch was sent; all of a line's, once one is named
    sw1 nothing                                no switch was sent anything
    notice blind sw1                           what on-call was told; all must be expected
    fuse open=yes held=A1,A2                   where the fuse stands, and whose blocks wait
    line A1 call 1.05                          a ledger line; all of a line's, once one is named
    A1 exposure=6.00 confirmed=no              how an account looks now (`A9 unknown` for one that does not exist)
    sw1 waiting=1 lagging=no                   how a switch looks now

Fields that are not named may be anything. What happens while time passes up to a line belongs to that line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.core.decisions import Action, Command, SnapshotPart
from guard.core.pictures import switch_picture
from guard.core.records import Ack, Approve, BillingOutcome, Intent, IntentResult, Outcome, Reject, SwitchStatus
from tests.scenarios import outputs
from tests.scenarios.inputs import billing_of, flag, intent_of, moment, report_of, settings_of
from tests.scenarios.prices import rating_of
from tests.scenarios.rulebooks import rules_of
from tests.scenarios.script import Line, Scenario, ScriptError, Words
from tests.scenarios.stage import START_MS, Happened, Stage

ACTIONS = frozenset(action.value for action in Action)
RESULTS = frozenset(result.value for kind in (Outcome, BillingOutcome, IntentResult) for result in kind)
ORDINARY = frozenset({"accepted", "done"})
BILLING = frozenset({"account", "limit", "payment", "balance", "adjustment", "close", "invoice", "card"})
INTENTS = frozenset({"block", "release", "allow", "set_limit", "close_fuse", "forget"})
VERDICTS: dict[str, type[Approve | Reject]] = {"approve": Approve, "reject": Reject}
_UP = {"up": True, "down": False}


class ScenarioFailedError(AssertionError):
    """What came out is not what was expected."""


@dataclass
class Seen:
    """What scenarios have shown, for the test that everything is shown by one."""

    outcomes: set[tuple[str, str]] = field(default_factory=set)
    """(`report`, `billing` or `intent`; what became of it)."""
    decisions: set[tuple[str, str, str]] = field(default_factory=set)
    """(action, reason, mode)."""
    causes: set[tuple[str, str, str]] = field(default_factory=set)
    """(cause; `added` or `lifted`; the reason of a decision of the same moment)."""
    notices: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    """Why reports were quarantined."""


@dataclass
class Expected:
    """A line's expectations, by what they are about."""

    result: str = ""
    decisions: list[Words] = field(default_factory=list)
    sends: list[Words] | None = None
    notices: list[Words] = field(default_factory=list)
    lines: list[Words] | None = None
    looks: list[Words] = field(default_factory=list)


def sorted_out(expected: tuple[Words, ...]) -> Expected:
    """Expectations by what they are about."""
    found = Expected()
    for words in expected:
        match words.names:
            case (first, *_) if first in ACTIONS:
                found.decisions.append(words)
            case ("notice", *_):
                found.notices.append(words)
            case ("line", *_):
                found.lines = [*(found.lines or ()), words]
            case (result,) if result in RESULTS and not words.fields:
                found.result = result
            case (_, "unknown") | (_,):
                found.looks.append(words)
            case (_, "nothing"):
                found.sends = found.sends or []
            case _:
                found.sends = [*(found.sends or ()), words]
    return found


class Player:
    """Plays one scenario."""

    def __init__(self, scenario: Scenario, seen: Seen) -> None:
        settings, manual = settings_of(scenario.settings)
        self._scenario = scenario
        self._seen = seen
        rating = rating_of(scenario.settings, settings.unknown_rate_micros)
        self._stage = Stage(settings, manual=manual, rating=rating, rules=rules_of(scenario.settings))
        self._stage.happened = Happened()
        self._made_ids = self._made_calls = 0
        self._ids_sent: set[tuple[str, str]] = set()
        self._causes: dict[str, frozenset[str]] = {}

    def play(self) -> None:
        """Every line in its turn."""
        stage = self._stage
        for line in self._scenario.lines:
            try:
                if line.kind != "clock_set":
                    stage.advance_to(START_MS + line.at_ms)
                self._note()
                kind, result = self._enter(line)
            except Exception as error:
                raise ScenarioFailedError(f"{line.place}: {error!r}") from error
            if kind:
                self._seen.outcomes.add((kind, result))
            self._note()
            happened, stage.happened = stage.happened, Happened()
            wrong = self._judge(sorted_out(line.expected), result, happened)
            if wrong:
                raise ScenarioFailedError(f"{line.place}: {wrong}")
        assert not stage.engine.rule_failures, "the rules failed, which the money survives and a test must not"

    # -- in

    def _enter(self, line: Line) -> tuple[str, str]:
        """Bring a line's input in; (kind of outcome, outcome), both empty when there is none."""
        stage, kind, words = self._stage, line.kind, line.words
        if kind == "report":
            switch = words.fields.get("switch", "sw1")
            return kind, stage.report(switch, report_of(words, stage.now_ms)).value
        if kind in BILLING:
            self._made_ids += 1
            return "billing", stage.billing(billing_of(kind, words, f"made-{self._made_ids}")).value
        if kind in INTENTS:
            return "intent", stage.intent(intent_of(kind, words)).value
        if kind in VERDICTS:
            return "intent", stage.intent(self._verdict(kind, words)).value
        self._happen(line)
        return "", ""

    def _verdict(self, kind: str, words: Words) -> Intent:
        """`approve A1`: the block of the account that was held last, whether or not it still waits."""
        (account,) = words.names
        ids = [
            each.id for each in self._stage.store.decisions if each.account == account and each.action is Action.HELD
        ]
        by, reason = words.fields.get("by", "ana"), words.fields.get("reason", "because")
        return VERDICTS[kind](account=account, held=ids[-1] if ids else "none", by=by, reason=reason)

    def _happen(self, line: Line) -> None:
        """What is neither a report nor money nor an operator's intent."""
        stage, words = self._stage, line.words
        match line.kind, words.names:
            case "status", (name, state):
                stage.control(SwitchStatus(switch=name, up=_UP[state]))
            case "ack", (name, about):
                stage.control(self._ack(name, about, words))
            case "clock_set", ():
                stage.set_clock(START_MS + line.at_ms)
            case "restart" | "crash", ():
                stage.restart(crash=line.kind == "crash")
            case "subscribed" | "cut_off", ():
                {"subscribed": stage.subscribed, "cut_off": stage.cut_off}[line.kind]()
            case "many", (count, _):
                self._many(int(count))
            case "calls", (account, count):
                self._calls(account, int(count), words)
            case "wait", ():
                pass
            case _:
                raise ScriptError(f"{line.kind} {words} is no input")

    def _many(self, count: int) -> None:
        """`many 1200 blocked`: so many accounts, each blocked by an operator; nothing of it is looked at."""
        for number in range(count):
            account = Words((f"M{number:05d}",), {})
            self._stage.billing(billing_of("account", account, f"many-{number}"))
            self._stage.intent(intent_of("block", account))
        self._stage.happened = Happened()

    def _calls(self, account: str, count: int, words: Words) -> None:
        """`calls A1 3 to=+25261234567 rate=3.40`: so many calls are answered; `A*`: one of each of so many accounts."""
        for _ in range(count):
            self._made_calls += 1
            one = account.replace("*", str(self._made_calls))
            report = Words((one, "answered"), {"call": f"call-{self._made_calls}"} | dict(words.fields))
            assert self._stage.report("sw1", report_of(report, self._stage.now_ms)) is Outcome.ACCEPTED

    def _ack(self, switch: str, about: str, words: Words) -> Ack:
        """`ack sw1 A1`: the last command for the account, the one before with `back=1`; `ack sw1 snapshot part=2`."""
        fields = words.fields
        sent = self._stage.sent.get(switch, [])
        if about == "snapshot":
            ids = [message.id for message in sent if isinstance(message, SnapshotPart)]
        else:
            ids = [message.id for message in sent if isinstance(message, Command) and message.account == about]
        return Ack(
            switch=switch,
            id=list(dict.fromkeys(ids))[-1 - int(fields.get("back", "0"))],
            ok=flag(fields.get("ok", "yes")),
            account="" if about == "snapshot" else about,
            at_ms=self._at(fields.get("at")),
            error=fields.get("error", ""),
            part=int(fields["part"]) if "part" in fields else None,
        )

    def _at(self, text: str | None) -> int | None:
        """Now unless said; `none`: the switch does not say."""
        if text is None:
            return self._stage.now_ms
        return None if text == "none" else moment(text)

    # -- out

    def _judge(self, expected: Expected, result: str, happened: Happened) -> str:
        """Empty when what happened is what was expected; otherwise what is wrong."""
        if result != expected.result and not (result in ORDINARY | {""} and not expected.result):
            return f"expected {expected.result or 'accepted'}, got {result}"
        told = [outputs.send_words(send, again=self._was_sent(send.switch, send.message.id)) for send in happened.sends]
        wrong = [
            outputs.compare("decisions", expected.decisions, list(map(outputs.decision_words, happened.decisions))),
            outputs.compare("notices", expected.notices, list(map(outputs.notice_words, happened.notices))),
        ]
        if expected.sends is not None:
            wrong.append(outputs.compare("sends", expected.sends, told))
        if expected.lines is not None:
            wrong.append(outputs.compare("ledger", expected.lines, list(map(outputs.line_words, happened.lines))))
        wrong += map(self._look, expected.looks)
        return "\n  ".join(filter(None, wrong))

    def _was_sent(self, switch: str, message_id: str) -> bool:
        before = (switch, message_id) in self._ids_sent
        self._ids_sent.add((switch, message_id))
        return before

    def _look(self, words: Words) -> str:
        stage, name = self._stage, words.names[0]
        if name == "fuse":
            return outputs.differences(name, words.fields, outputs.fuse_fields(stage.engine))
        switch = stage.engine.world.switches.get(name)
        if switch is not None:
            return outputs.differences(name, words.fields, outputs.switch_fields(switch_picture(switch, stage.now_ms)))
        view = stage.engine.picture(name, stage.now_ms)
        if view is None:
            return "" if words.names[1:] else f"{name} is not known"
        shown = outputs.account_fields(view)
        return f"{name} is known" if words.names[1:] else outputs.differences(name, words.fields, shown)

    def _note(self) -> None:
        """Remember what this scenario has shown so far."""
        seen, happened = self._seen, self._stage.happened
        seen.decisions.update((d.action.value, d.reason.value, d.mode.value) for d in happened.decisions)
        seen.notices.update(notice.kind.value for notice in happened.notices)
        seen.lines.update(line.kind.value for line in happened.lines)
        seen.held.update(held.rule for held in self._stage.store.quarantine)
        for decision in happened.decisions:
            account = self._stage.engine.world.accounts[decision.account]
            before = self._causes.get(account.id, frozenset())
            now = self._causes[account.id] = frozenset(cause.reason.value for cause in account.causes)
            seen.causes.update((cause, "added", decision.reason.value) for cause in now - before)
            seen.causes.update((cause, "lifted", decision.reason.value) for cause in before - now)
