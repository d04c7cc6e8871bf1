"""The composer: one snapshot out of the pieces of all partitions, and never out of stale ones."""

from __future__ import annotations

from guard.core.composer import ASK_AFTER_MS, ASK_EVERY_MS, REST_AFTER_MS, Composer
from guard.core.decisions import SnapshotEntry, SnapshotPart
from guard.core.delivery import PART_ENTRIES
from guard.core.emergency import EmergencyNumbers
from guard.core.records import Ack, Scope

NOW_MS = 1_800_000_000_000
PARTITIONS = 3


def part(name: str, *accounts: str, number: int = 1, of: int = 1, seq: int = 1, at_ms: int = NOW_MS) -> SnapshotPart:
    """A part of a piece in which these are blocked."""
    entries = tuple(SnapshotEntry(account=each, seq=seq, scope=Scope.ALL, end_calls=True) for each in accounts)
    return SnapshotPart(id=name, part=number, of=of, at_ms=at_ms, blocked=entries, emergency=EmergencyNumbers(("911",)))


def ack(snapshot: SnapshotPart) -> Ack:
    return Ack(switch="sw1", id=snapshot.id, ok=True, part=snapshot.part)


def composed(*, epoch: int = 1) -> tuple[Composer, tuple[SnapshotPart, ...]]:
    """A composer that has sent its first snapshot."""
    composer = Composer("sw1", PARTITIONS)
    for partition in range(PARTITIONS):
        composer.take(partition, epoch, part(f"p{partition}", f"A{partition}"), NOW_MS)
    return composer, composer.advance(NOW_MS).sends


def test_nothing_is_sent_before_every_partition_has_said_its_part() -> None:
    composer = Composer("sw1", PARTITIONS)
    composer.take(0, 1, part("p0", "A0"), NOW_MS)
    composer.take(1, 1, part("p1"), NOW_MS)

    assert not composer.advance(NOW_MS).sends

    composer.take(2, 1, part("p2", "A2"), NOW_MS)
    (sent,) = composer.advance(NOW_MS).sends
    assert [entry.account for entry in sent.blocked] == ["A0", "A2"]
    assert sent.emergency == ("911",)


def test_what_is_missing_is_asked_for_after_a_while_and_again() -> None:
    composer = Composer("sw1", PARTITIONS)
    composer.take(1, 1, part("p1"), NOW_MS)

    assert not composer.advance(NOW_MS + ASK_AFTER_MS - 1).wanted
    assert composer.advance(NOW_MS + ASK_AFTER_MS).wanted == (0, 2)
    assert not composer.advance(NOW_MS + ASK_AFTER_MS + 1).wanted
    assert composer.advance(NOW_MS + ASK_AFTER_MS + ASK_EVERY_MS).wanted == (0, 2)


def test_a_piece_in_parts_counts_when_all_are_there() -> None:
    composer = Composer("sw1", 1)
    composer.take(0, 1, part("p0", "A1", number=2, of=2), NOW_MS)
    assert not composer.advance(NOW_MS).sends

    composer.take(0, 1, part("p0", "A0", number=1, of=2), NOW_MS)
    (sent,) = composer.advance(NOW_MS).sends
    assert [entry.account for entry in sent.blocked] == ["A0", "A1"]
    (answered,) = composer.acknowledge(ack(sent), NOW_MS)
    assert (answered.id, answered.of) == ("p0", 2)


def test_a_big_truth_goes_in_parts_of_one_id() -> None:
    composer = Composer("sw1", 2)
    for partition in range(2):
        names = [f"{partition}-{number}" for number in range(PART_ENTRIES - 100)]
        composer.take(partition, 1, part(f"p{partition}", *names), NOW_MS)

    sends = composer.advance(NOW_MS).sends

    assert [(each.part, each.of, len(each.blocked)) for each in sends] == [(1, 2, PART_ENTRIES), (2, 2, 300)]
    assert len({each.id for each in sends}) == 1
    assert not composer.acknowledge(ack(sends[0]), NOW_MS)
    assert len(composer.acknowledge(ack(sends[1]), NOW_MS)) == 2


def test_each_partition_is_told_that_its_piece_is_in_place_and_then_all_is_quiet() -> None:
    composer, (sent,) = composed()

    answered = composer.acknowledge(ack(sent), NOW_MS)

    assert [(each.part, each.id) for each in answered] == [(0, "p0"), (1, "p1"), (2, "p2")]
    assert composer.at_rest


def test_a_piece_is_used_once_so_a_new_one_has_the_others_asked_for_theirs() -> None:
    composer, (sent,) = composed()
    composer.acknowledge(ack(sent), NOW_MS)

    composer.take(1, 2, part("p1 anew", "A1"), NOW_MS + 5_000)

    step = composer.advance(NOW_MS + 5_000 + ASK_AFTER_MS)
    assert not step.sends
    assert step.wanted == (0, 2)


def test_a_piece_that_came_while_the_snapshot_was_on_its_way_is_not_lost() -> None:
    composer, (sent,) = composed()
    composer.take(1, 1, part("p1 anew", "A1", "B1", at_ms=NOW_MS + 1), NOW_MS + 1)

    answered = composer.acknowledge(ack(sent), NOW_MS + 2)

    assert [each.id for each in answered] == ["p0", "p1", "p2"]
    assert not composer.at_rest, "the newer piece says more than what is in place"


def test_a_newer_piece_that_says_the_same_is_answered_in_place_of_the_older() -> None:
    composer, (sent,) = composed()
    composer.take(1, 1, part("p1 anew", "A1", at_ms=NOW_MS + 1), NOW_MS + 1)

    answered = composer.acknowledge(ack(sent), NOW_MS + 2)

    assert [each.id for each in answered] == ["p0", "p1 anew", "p2"]
    assert composer.at_rest


def test_what_is_not_acknowledged_is_made_anew_after_one_two_four_seconds() -> None:
    composer, (first,) = composed()

    assert not composer.advance(NOW_MS + 999).sends
    (second,) = composer.advance(NOW_MS + 1_000).sends
    assert second.id != first.id
    assert not composer.advance(NOW_MS + 2_999).sends
    assert composer.advance(NOW_MS + 3_000).sends
    assert not composer.acknowledge(ack(first), NOW_MS + 3_001), "of one that was replaced"


def test_an_older_snapshot_that_arrives_after_a_newer_one_is_overcome() -> None:
    """They go by different ingests, and one of these may have been frozen for a while."""
    composer, (first,) = composed()
    (second,) = composer.advance(NOW_MS + 1_000).sends
    assert composer.acknowledge(ack(second), NOW_MS + 1_100)
    composer.acknowledge(ack(second), NOW_MS + 1_200)
    assert composer.at_rest

    composer.acknowledge(ack(first), NOW_MS + 5_000)

    assert composer.advance(NOW_MS + 5_000 + ASK_AFTER_MS).wanted == (0, 1, 2)


def test_a_switch_that_answers_nothing_is_left_alone_until_somebody_has_a_piece_again() -> None:
    composer, _ = composed()

    assert composer.advance(NOW_MS + REST_AFTER_MS).sends == ()
    assert composer.at_rest

    composer.take(0, 1, part("p0 anew", at_ms=NOW_MS + REST_AFTER_MS), NOW_MS + REST_AFTER_MS)
    assert composer.advance(NOW_MS + REST_AFTER_MS + ASK_AFTER_MS).wanted == (1, 2)


def test_a_piece_of_an_owner_that_was_replaced_is_passed_over() -> None:
    composer = Composer("sw1", 1)
    composer.take(0, 7, part("new owner", "A1", at_ms=NOW_MS), NOW_MS)
    composer.take(0, 6, part("zombie", at_ms=NOW_MS + 6_000), NOW_MS)

    (sent,) = composer.advance(NOW_MS).sends

    assert [entry.account for entry in sent.blocked] == ["A1"]


def test_an_answer_to_a_predecessors_snapshot_has_everything_asked_for() -> None:
    _, (old,) = composed()
    successor = Composer("sw1", PARTITIONS)

    assert not successor.acknowledge(ack(old), NOW_MS)
    assert successor.advance(NOW_MS + ASK_AFTER_MS).wanted == (0, 1, 2)


def test_an_answer_to_a_command_or_a_piece_is_nothing_to_it() -> None:
    composer = Composer("sw1", PARTITIONS)

    composer.acknowledge(Ack(switch="sw1", id="01JD", ok=True, part=1), NOW_MS)

    assert composer.at_rest
