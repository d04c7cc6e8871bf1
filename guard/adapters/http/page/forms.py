"""What a form of the page says: its fields, and the proof that it is a form of this page."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
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


async def form_fields(request: Request) -> Mapping[str, str]:
    """The fields of an `application/x-www-form-urlencoded` body, empty ones left out."""
    body = await request_body(request)
    try:
        pairs = parse_qsl(body.decode(), strict_parsing=bool(body), max_num_fields=MAX_FIELDS)
    except (UnicodeDecodeError, ValueError):
        raise ApiError(400, "the body is not a form") from None
    return dict(pairs)


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
