"""What a form of the page says: its fields, and the proof that it is a form of this page."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request

from guard.adapters.http.gate import CSRF, check_origin
from guard.adapters.http.inputs import FieldValueError, request_body
from guard.adapters.http.problems import ApiError
from guard.core.cycles import zone_of
from guard.core.settings import SECOND_MS

MAX_FIELDS = 20
_MINUTES = "%Y-%m-%dT%H:%M"
_SECONDS = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A form that could not be taken: it is shown again with what is wrong and with what had been typed."""

    form: str
    """Which one of its page."""
    typed: Mapping[str, str]
    error: ApiError

    @property
    def status(self) -> int:
        """Of the answer."""
        return self.error.status

    @property
    def wrong(self) -> Sequence[str]:
        """What is wrong, a sentence each."""
        return [f"{each.field} {each.detail}" for each in self.error.errors] or [self.error.detail]


async def form_fields(request: Request) -> Mapping[str, str]:
    """The fields of an `application/x-www-form-urlencoded` body, empty ones left out."""
    return dict(await form_pairs(request, MAX_FIELDS))


async def form_pairs(request: Request, most: int) -> Sequence[tuple[str, str]]:
    """The same where a field may occur more than once."""
    body = await request_body(request)
    try:
        return parse_qsl(body.decode(), strict_parsing=bool(body), max_num_fields=most)
    except (UnicodeDecodeError, ValueError):
        raise ApiError(400, "the body is not a form") from None


def check_csrf(request: Request, form: Mapping[str, str]) -> None:
    """Refuse a form that another site made a browser send."""
    check_origin(request.headers)
    expected: str = request.scope.get(CSRF, "")
    if not expected or not hmac.compare_digest(form.get("csrf", "").encode(), expected.encode()):
        raise ApiError(403, "this form is not of your present session: load the page again")


def local_moment(timezone: str, text: str) -> int:
    """Milliseconds of what a `datetime-local` field says, on the clock of that zone."""
    for shape in (_MINUTES, _SECONDS):
        try:
            return int(datetime.strptime(text, shape).replace(tzinfo=zone_of(timezone)).timestamp()) * SECOND_MS
        except (ValueError, OverflowError):
            continue
    raise FieldValueError("must be a date and a time")
