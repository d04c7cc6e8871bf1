"""Topic names and client ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.wire.topics import Kind, Role, Topic, Topics, client_id, is_switch_name

TOPICS = Topics("guard/v1")
SWITCH_KINDS = (Kind.CALLS, Kind.STATUS, Kind.ACKS, Kind.COMMANDS, Kind.SCOPES)


def test_the_topics_of_the_contract() -> None:
    """As section 1 lists them."""
    assert TOPICS.commands("sw1") == "guard/v1/sw1/commands"
    assert TOPICS.scopes("sw1") == "guard/v1/sw1/scopes"
    assert TOPICS.billing == "guard/v1/billing"
    assert TOPICS.decisions == "guard/v1/decisions"
    assert TOPICS.calls_filter == "guard/v1/+/calls"
    assert TOPICS.control_filters == ("guard/v1/+/status", "guard/v1/+/acks", "guard/v1/billing")


@pytest.mark.parametrize("kind", SWITCH_KINDS)
def test_a_switch_topic_is_taken_apart(kind: Kind) -> None:
    """Switch and kind; a switch may even be called billing."""
    for switch in ("sw1", "billing", "a b", "é", "x" * 64, "$SYS"):
        assert TOPICS.parse(f"guard/v1/{switch}/{kind.value}") == Topic(switch=switch, kind=kind)


def test_a_topic_of_no_switch_is_taken_apart() -> None:
    """billing and decisions belong to all."""
    assert TOPICS.parse("guard/v1/billing") == Topic(switch="", kind=Kind.BILLING)
    assert TOPICS.parse("guard/v1/decisions") == Topic(switch="", kind=Kind.DECISIONS)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "guard/v1",
        "guard/v1/",
        "guard/v1/calls",
        "guard/v1//calls",
        "guard/v1/sw1",
        "guard/v1/sw1/",
        "guard/v1/sw1/billing",
        "guard/v1/sw1/calls/x",
        "guard/v1/a/b/calls",
        "guard/v1/a+b/calls",
        "guard/v1/#/calls",
        "guard/v1/a\x00/calls",
        "guard/v1/a\x85/calls",
        "guard/v2/sw1/calls",
        "guard/v11/sw1/calls",
        "xguard/v1/sw1/calls",
        "guard/v1/" + "x" * 65 + "/calls",
        "guard/v1/\ud800/calls",
    ],
)
def test_other_topics_are_none(topic: str) -> None:
    """What does not follow the contract has no meaning."""
    assert TOPICS.parse(topic) is None


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a\n", "x" * 65, "\ud800"])
def test_a_bad_switch_name_makes_no_topic(name: str) -> None:
    """A command is never published to a wildcard or to another level."""
    assert not is_switch_name(name)
    for build in (TOPICS.commands, TOPICS.scopes):
        with pytest.raises(ValueError, match="switch name"):
            build(name)


@pytest.mark.parametrize(
    "prefix", ["", "/", "guard/", "/guard", "a//b", "a/+", "#", "$share/g/x", "a\x00", "x" * 201, "\ud800"]
)
def test_a_bad_prefix_is_refused(prefix: str) -> None:
    """A prefix cannot hold wildcards, empty levels, control characters, or begin with a dollar."""
    with pytest.raises(ValueError, match="prefix"):
        Topics(prefix)


@given(st.text(max_size=80))
def test_any_topic_is_taken_apart_or_none(text: str) -> None:
    """Whatever comes after the prefix, the parts put together again are the topic."""
    for topic in (text, f"guard/v1/{text}", f"guard/v1/{text}/calls"):
        parsed = TOPICS.parse(topic)
        if parsed is not None and parsed.switch:
            assert topic == f"guard/v1/{parsed.switch}/{parsed.kind.value}"


def test_client_ids_are_stable_and_plain() -> None:
    """The same prefix gives the same id for ever, within what every broker must accept; other prefixes give others."""
    assert client_id("guard/v1", Role.CALLS) == "guardcallsc366f8b3e2"
    ids = {client_id(prefix, role) for prefix in ("guard/v1", "guard/v2", "é") for role in Role}
    assert len(ids) == 6
    for text in ids:
        assert text.isascii()
        assert text.isalnum()
        assert len(text) <= 23
