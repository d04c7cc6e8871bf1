"""The rules a message can break, in words: the whole vocabulary of refusals.

A refusal is logged, so it must not repeat what the message said: a broken message may hold a telephone number or a
card number in any place, the names of unknown members included. Therefore every rule is one of the sentences below
and every key is made of an array index and of names that this package wrote itself. The texts of parser errors are
never passed on, because they quote their input.
"""

from __future__ import annotations

from typing import Final

PAYLOAD_TOO_LONG: Final = "the payload is longer than 1 MiB"
PAYLOAD_NOT_UTF8: Final = "the payload is not UTF-8"
PAYLOAD_NOT_JSON: Final = "the payload is not JSON"
PAYLOAD_TOO_DEEP: Final = "the payload is nested too deeply"
PAYLOAD_NOT_OBJECTS: Final = "the payload is neither an object nor an array"
PAYLOAD_TOO_MANY: Final = "the array has more than 1,000 elements"

UNKNOWN_WORD: Final = "a word between partitions is of another release; bring all workers to one"

NOT_AN_OBJECT: Final = "must be an object"
KEY_TWICE: Final = "a key occurs twice in the object"
REQUIRED: Final = "is required"
NOT_TEXT: Final = "must be text"
NOT_UNICODE: Final = "must not contain half of a surrogate pair"
IDENTIFIER_LENGTH: Final = "must have 1 to 128 characters"
CONTROL_CHARACTER: Final = "must not contain control characters"
TEXT_TOO_LONG: Final = "must have at most 256 characters"

NOT_MONEY: Final = "must be a decimal string of at most 9 digits, a point and 6 digits (never a JSON number)"
NEGATIVE: Final = "must not be negative"
NOT_POSITIVE: Final = "must be greater than zero"
NOT_AN_INSTANT: Final = "must be an RFC 3339 time with offset, or epoch seconds, in the years 1970 to 9999"
TOO_FAR_AHEAD: Final = "lies more than 15 minutes ahead of the time of receipt"
NOT_A_FLAG: Final = "must be true, false, 1 or 0"
NOT_A_DURATION: Final = "must be an integer from 0 to 10000000000"
NOT_A_COUNT: Final = "must be an integer from 0 to 1000000000"

NOT_AN_EVENT: Final = "must be one of failed, answered, tick, ended"
NOT_A_DIRECTION: Final = "must be one of outgoing, incoming, forwarded, internal"
NOT_A_STATUS: Final = "must be one of up, down"

NOT_A_BILLING_TYPE: Final = "must be one of account, balance, payment, invoice, adjustment, credit, card, close"
NOT_A_METHOD: Final = "must be one of card, e_transfer, eft, cheque, other"
NOT_A_PAYMENT_STATUS: Final = "must be one of pending, posted, rejected, reversed"
NOT_A_CARD_STATUS: Final = "must be one of ok, expiring, expired, declined"
NOT_A_CURRENCY: Final = "must be three upper-case letters"
NOT_A_TIMEZONE: Final = "must be the name of a time zone of the tz database"
NOT_A_DATE: Final = "must be a date, YYYY-MM-DD, in the years 1970 to 9999"
NOT_A_MONTH: Final = "must be a month, YYYY-MM, in the years 1970 to 9999"
PERIOD_BACKWARDS: Final = "must not lie before period_start"
NOT_A_CREDIT: Final = "must state either limit, or cycles with an optional floor and cap"
FLOOR_ABOVE_CAP: Final = "must not be greater than cap"
UNTIL_MISPLACED: Final = "is only possible in a credit message"
NOT_AN_ARRAY: Final = "must be an array"
ARRAY_TOO_LONG: Final = "has more elements than one request may bring"
NOT_AN_HOUR: Final = "has a key that is no hour of the day, 0 to 23"
DAYS_BACKWARDS: Final = "must not lie before from"
DAY_OUTSIDE: Final = "has a day that does not lie between from and until"
DAY_TWICE: Final = "has a day twice"
CARD_NUMBER: Final = "may hold a card number"
CARD_NUMBER_UNKNOWN_FIELD: Final = "an unknown field of the payment may hold a card number"


class RuleError(Exception):
    """A rule was broken; `key` is the path from the message on (`.charge`), empty for the message itself."""

    def __init__(self, rule: str, key: str = "") -> None:
        """Name the rule, in the words of this module, and where it was broken."""
        super().__init__(rule)
        self.rule = rule
        self.key = key

    def under(self, name: str) -> RuleError:
        """The same breach seen from one level further out."""
        return RuleError(self.rule, f".{name}{self.key}")
