"""The server that all tests share, under a shorter name."""

import pytest

from tests.postgres.server import PostgresServer


@pytest.fixture
def server(postgres_server: PostgresServer) -> PostgresServer:
    """For whoever only needs a database."""
    return postgres_server
