"""The log: one JSON object a line, whoever speaks; and refused messages without a word of theirs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from guard.adapters.log import RefusalLog, log_the_end, set_up_logging
from guard.core.records import Refusal


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_that_begins_with_time_and_level() -> None:
    stream = io.StringIO()
    set_up_logging(stream=stream)
    structlog.get_logger("guard").bind().info("decision", account="münchen", text="a\nb", odd={1, 2})
    (line,) = lines(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["level"], line["event"], line["account"], line["text"]) == ("info", "decision", "münchen", "a\nb")
    assert line["timestamp"].endswith("Z")
    assert "münchen" in stream.getvalue()


def test_libraries_speak_the_same_way() -> None:
    stream = io.StringIO()
    set_up_logging(stream=stream)
    logging.getLogger("guard.http").warning("port %d", 8080)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("port 8080", "warning", "guard.http")


def test_an_exception_is_part_of_its_line() -> None:
    stream = io.StringIO()
    set_up_logging(stream=stream)
    try:
        int("gone")
    except ValueError:
        logging.getLogger("guard.http").exception("a request failed")
        structlog.get_logger().exception("a task failed")
    first, second = lines(stream)
    assert "ValueError: invalid literal" in first["exception"]
    assert "ValueError: invalid literal" in second["exception"]


@pytest.mark.parametrize("console", [False, True])
def test_a_traceback_gives_no_called_number_away(console: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """An error quotes what it stumbled over; what the process ends with is a line like any other."""
    stream = io.StringIO()
    set_up_logging(stream=stream, console=console)
    try:
        dict[str, int]()["+252617394085"]
    except KeyError as error:
        logging.getLogger("guard.http").exception("a request failed")
        structlog.get_logger().exception("a task failed")
        log_the_end(type(error), error, error.__traceback__)
    said = stream.getvalue()
    assert said.count("KeyError: '+25261***'") == 3
    assert "critical" in said
    assert "7394085" not in said


def test_levels_are_filtered_for_everybody() -> None:
    stream = io.StringIO()
    set_up_logging("warning", stream=stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("anything").info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_the_inner_life_of_the_server_is_not_logged() -> None:
    stream = io.StringIO()
    set_up_logging("debug", stream=stream)
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert [line["event"] for line in lines(stream)] == ["Exception in ASGI application"]


def test_a_terminal_gets_lines_for_people() -> None:
    stream = io.StringIO()
    set_up_logging(stream=stream, console=True)
    structlog.get_logger().warning("loud", account="A1")
    assert "loud" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_setting_up_again_replaces() -> None:
    first, second = io.StringIO(), io.StringIO()
    set_up_logging(stream=first)
    set_up_logging(stream=second)
    logging.getLogger().warning("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


# -- refused messages

REFUSAL = Refusal("$[3].charge", "must not be negative", account="A1001")


class Recorder:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, object]]] = []

    def warning(self, event: str, **context: object) -> None:
        self.said.append((event, context))


class Moment:
    """A clock moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_refusal_names_topic_key_and_rule_and_nothing_else() -> None:
    """Not even the account: what a message says is never logged."""
    recorder = Recorder()
    RefusalLog(recorder).refused("guard/v1/sw1/calls", REFUSAL)
    expected = {"topic": "guard/v1/sw1/calls", "key": "$[3].charge", "rule": "must not be negative"}
    assert recorder.said == [("message refused", expected)]


def test_only_so_many_a_second_are_logged_and_the_rest_counted() -> None:
    recorder, moment = Recorder(), Moment()
    log = RefusalLog(recorder, per_second=3, monotonic=moment)
    for _ in range(10):
        log.refused("t", REFUSAL)
    moment.now += 1
    log.refused("t", REFUSAL)
    assert [event for event, _ in recorder.said] == [
        *["message refused"] * 3,
        "more messages were refused than are logged",
        "message refused",
    ]
    assert recorder.said[3][1] == {"suppressed": 7}


def test_what_was_suppressed_last_is_told_at_the_end() -> None:
    recorder = Recorder()
    log = RefusalLog(recorder, per_second=1, monotonic=Moment())
    for _ in range(3):
        log.refused("t", REFUSAL)
    log.flush()
    log.flush()
    assert recorder.said[-1] == ("more messages were refused than are logged", {"suppressed": 2})
    assert len(recorder.said) == 2
