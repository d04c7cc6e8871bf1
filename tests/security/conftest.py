"""The application over a desk of paper, as the tests of the HTTP side have it."""

from tests.http.conftest import api, app, desk, store, tokens_path

__all__ = ["api", "app", "desk", "store", "tokens_path"]
