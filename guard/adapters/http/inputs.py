"""What a request says, read with care: query parameters and JSON bodies.

All that is wrong with a request is told at once, field by field. Numbers and times are bounded here, so that nothing
behind this module meets a value it was not made for.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from guard.adapters.http.gate import MAX_BODY_BYTES
from guard.adapters.http.problems import ApiError, FieldError, refused_fields
from guard.core.cycles import midnight_ms
from guard.core.settings import SECOND_MS
from guard.ports import CursorError, Page
from guard.wire.document import as_members, parse
from guard.wire.fields import has_control_character, identifier
from guard.wire.fields import text as text_of
from guard.wire.instants import InstantError, epoch_text_ms, instant_ms, until_ms
from guard.wire.rules import RuleError

T = TypeVar("T")

DEFAULT_LIMIT = 100
DEFAULT_AUDITS = 20
MAX_LIMIT = 1_000
"""Entries a page: about 20 ms of work, in pieces."""

BODY_WITHIN_S = 10.0
"""A body of at most 64 KiB takes no longer to arrive."""

NO_CURSOR = "must be the `next` of the page before"
_MOST_NAMED = 20
"""Unknown fields of a request that are told one by one; it may have thousands."""
_MOST_COMPARED = 64
"""Characters of a field's name: whoever sends 64 KiB of one must not have the loop compare them."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH = re.compile(r"[0-9]+(?:\.[0-9]*)?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_CURSOR = re.compile(r"[0-9A-Za-z_-]{1,4096}", re.ASCII)


class FieldValueError(ValueError):
    """A field's value cannot be taken; the text says why and follows the field's name."""


class Fields:
    """Reads the fields of one request and collects what is wrong with them."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._asked: dict[str, None] = {}
        self._errors: list[FieldError] = []

    def read(self, name: str, reader: Callable[[object], T], default: T) -> T:
        """The field's value; the default where it is absent, null or wrong."""
        self._asked[name] = None
        value = self._values.get(name)
        if value is None:
            return default
        try:
            return reader(value)
        except (FieldValueError, InstantError) as error:
            self.refuse(name, str(error))
        except RuleError as error:
            self.refuse(name, error.rule)
        return default

    def need(self, name: str, reader: Callable[[object], T], stand_in: T) -> T:
        """The same for a field that must be there."""
        if self._values.get(name) is None:
            self.refuse(name, "is required")
        return self.read(name, reader, stand_in)

    def states(self, name: str) -> bool:
        """Whether the request has the field at all, be it null."""
        return name in self._values

    def refuse(self, name: str, detail: str) -> None:
        """Note what is wrong with a field."""
        self._errors.append(FieldError(name, detail))

    def finish(self) -> None:
        """Refuse the request if anything was wrong, a field that nobody asked for included."""
        unknown = [name for name in self._values if name not in self._asked]
        for name in unknown[:_MOST_NAMED]:
            near = get_close_matches(name[:_MOST_COMPARED], self._asked, n=1, cutoff=0.0)
            hint = f'; the nearest known one is "{near[0]}"' if near else ""
            self.refuse(name, f"is not a field of this request{hint}")
        if len(unknown) > _MOST_NAMED:
            self.refuse("", f"and {len(unknown) - _MOST_NAMED:,} more fields are none of this request")
        if self._errors:
            raise refused_fields(self._errors)


def query_fields(request: Request) -> Fields:
    """The query's parameters, empty ones left out; one that is given twice is refused."""
    fields = Fields({name: value for name, value in request.query_params.items() if value})
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for name in [name for name, count in counts.items() if count > 1][:_MOST_NAMED]:
        fields.refuse(name, "is given more than once")
    return fields


async def body_fields(request: Request) -> Fields:
    """The members of the JSON object in the body, to be read one by one."""
    return Fields(await body_members(request))


async def body_members(request: Request) -> Mapping[str, object]:
    """The members of the JSON object in the body."""
    try:
        return as_members(parse(await request_body(request)))
    except RuleError as error:
        raise ApiError(400, error.rule.replace("payload", "body")) from None


async def request_body(request: Request) -> bytes:
    """The body, within its bounds of size and time."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise ApiError(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    except TimeoutError:
        raise ApiError(408, f"the body did not arrive within {BODY_WITHIN_S:.0f} s") from None
    except ClientDisconnect:
        # Nobody is there to read this; it only ends the request.
        raise ApiError(400, "the body was cut off") from None
    return bytes(body)


def words(most: int) -> Callable[[object], str]:
    """A reader of text: of at most so many characters, not blank, without control characters."""

    def read(value: object) -> str:
        text = text_of(value).strip()
        if not text:
            raise FieldValueError("must not be empty")
        if len(text) > most:
            raise FieldValueError(f"must have at most {most} characters")
        if has_control_character(text):
            raise FieldValueError("must not contain control characters")
        return text

    return read


def page_limit(value: object) -> int:
    """How many entries a page may have."""
    if not (isinstance(value, str) and _NUMBER.fullmatch(value) and 1 <= int(value) <= MAX_LIMIT):
        raise FieldValueError(f"must be a number from 1 to {MAX_LIMIT}")
    return int(value)


def cursor(value: object) -> str:
    """Where a page begins, as the one before said: whether it did is for the records to say (`paged`)."""
    if not (isinstance(value, str) and _CURSOR.fullmatch(value)):
        raise FieldValueError(NO_CURSOR)
    return value


async def paged(field: str, asked: Awaitable[Page[T]]) -> Page[T]:
    """A page of records; 422 when that field does not say where one begins."""
    try:
        return await asked
    except CursorError:
        raise refused_fields([FieldError(field, NO_CURSOR)]) from None


def account_name(value: object) -> str:
    """An account's id."""
    return identifier(value)


def moment(value: object) -> int:
    """Milliseconds of a time that somebody typed or a program wrote: RFC 3339 with offset, or epoch seconds."""
    if isinstance(value, str):
        # An unencoded plus in a query arrives as a space; no notation of a time has one there.
        text = value.strip().replace(" ", "+")
        return epoch_text_ms(text) if _EPOCH.fullmatch(text) else until_ms(text)
    if isinstance(value, int | float):
        return instant_ms(value)
    raise FieldValueError("must be a time: RFC 3339 with offset, or epoch seconds")


def moment_or_date(timezone: str) -> Callable[[object], int]:
    """A reader of a time, or of a date, which is the midnight with which that day begins in the account's zone."""

    def read(value: object) -> int:
        if not (isinstance(value, str) and _DATE.fullmatch(value)):
            return moment(value)
        try:
            return instant_ms(midnight_ms(date.fromisoformat(value), timezone) // SECOND_MS)
        except (ValueError, OverflowError):
            raise FieldValueError("must be a date from 1970 on") from None

    return read
