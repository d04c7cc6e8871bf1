"""What is said when an operator's intent was not carried out: the same words for the API and for the page."""

from __future__ import annotations

from typing import assert_never

from guard.adapters.http.problems import ApiError, FieldError, no_such_account, no_such_held, refused_fields
from guard.core.records import IntentResult


def check(result: IntentResult) -> None:
    """Nothing when it was done; else an `ApiError` that says why it was not and what would help."""
    match result:
        case IntentResult.DONE:
            return
        case IntentResult.UNKNOWN_ACCOUNT:
            raise no_such_account()
        case IntentResult.UNKNOWN_HELD:
            raise no_such_held()
        case IntentResult.UNTIL_PAST:
            raise refused_fields([FieldError("until", "must lie in the future")])
        case IntentResult.AT_LIMIT:
            detail = "the account is still at its credit limit: say until when it is released, or give it another limit"
        case IntentResult.CLOSED:
            detail = "the account is closed; billing opens it again"
        case IntentResult.NO_SUGGESTION:
            detail = "no higher limit is waiting for this account: state the amount"
        case IntentResult.NOT_CLOSED:
            detail = "the account is not closed: billing closes it (`close`), then it can be forgotten"
        case IntentResult.CALLS_UP:
            detail = "the account has calls up: it can be forgotten when they are over"
        case unexpected:
            assert_never(unexpected)
    raise ApiError(409, detail)
