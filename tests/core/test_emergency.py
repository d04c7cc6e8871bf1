"""Emergency numbers: never empty, and no command without them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from guard.core.decisions import Command, CommandAction, Reason, SnapshotPart
from guard.core.emergency import DEFAULT_NUMBERS, EmergencyNumbers, carries_numbers
from guard.core.invariants import InvariantBrokenError
from guard.core.records import Scope


def a_command(emergency: object) -> Command:
    """A command that carries whatever it is given."""
    return Command(
        id="x",
        seq=1,
        action=CommandAction.BLOCK,
        account="A1",
        scope=Scope.ALL,
        end_calls=True,
        emergency=emergency,  # type: ignore[arg-type] # the test is what happens when the types are wrong
        reason=Reason.OPERATOR,
        at_ms=0,
    )


def a_snapshot(emergency: object) -> SnapshotPart:
    """A part of a snapshot that carries whatever it is given."""
    return SnapshotPart(
        id="x",
        part=1,
        of=1,
        at_ms=0,
        blocked=(),
        emergency=emergency,  # type: ignore[arg-type] # the same
    )


def test_the_defaults_are_the_contracts() -> None:
    """911, 112, the test line 933, the crisis line 988."""
    assert EmergencyNumbers() == DEFAULT_NUMBERS == ("911", "112", "933", "988")


def test_an_empty_set_cannot_be_made() -> None:
    """`except` is never empty."""
    with pytest.raises(ValueError, match="must not be empty"):
        EmergencyNumbers([])


@pytest.mark.parametrize("number", ["", "+911", "9 1 1", "911 ", "٩١١", "sos", "1" * 16])
def test_what_is_no_number_is_refused(number: str) -> None:
    """Digits only: what was dialled is compared as it is."""
    with pytest.raises(ValueError, match="1 to 15 digits"):
        EmergencyNumbers(["911", number])


def test_a_number_said_twice_is_one() -> None:
    """In the order in which they were configured."""
    assert EmergencyNumbers(["999", "911", "999"]) == ("999", "911")


def test_a_number_is_compared_as_dialled_with_or_without_a_plus() -> None:
    """Exactly one of the numbers, before any normalisation."""
    dialled = EmergencyNumbers(["911", "112"]).as_dialled()
    assert dialled == {"911", "+911", "112", "+112"}


@pytest.mark.parametrize("make", [a_command, a_snapshot])
@pytest.mark.parametrize(
    "emergency",
    [None, (), [], ("911",), ["911"], "911", EmergencyNumbers()[:0], tuple.__new__(EmergencyNumbers, ())],
)
def test_nothing_is_sent_without_emergency_numbers(make: Callable[[object], object], emergency: object) -> None:
    """A command without its emergency numbers cannot be built, not even by code that ignores the types."""
    assert not carries_numbers(emergency)
    with pytest.raises(InvariantBrokenError):
        make(emergency)


@pytest.mark.parametrize("make", [a_command, a_snapshot])
def test_with_them_it_can(make: Callable[[object], object]) -> None:
    """And a copy still has them."""
    made = make(EmergencyNumbers(["911"]))
    assert carries_numbers(copy.deepcopy(made).emergency)  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 -- our own bytes
