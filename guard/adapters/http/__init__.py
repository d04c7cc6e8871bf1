"""The operators' side: the JSON API of contract 6, metrics, health, and the page.

It sees the daemon through `guard.ports.Desk` alone and runs in the daemon's own loop, so nothing here may take long:
lists come in pages, the ledger is streamed. The layers, from outside in:

    Boundary          what nobody expected becomes a 500 and a log line
    SecurityHeaders   on every answer
    Gate              this machine only, or whoever shows a token; bodies within bounds
    RawPath           routes on the path as it was sent, so that an id may hold any character
    routes            `app.ROUTES`; errors become problem documents (RFC 9457)
"""

from guard.adapters.http.app import create_app
from guard.adapters.http.server import AddressError, Certificate, Listening, serve
from guard.adapters.http.tokens import TokenFile

__all__ = ["AddressError", "Certificate", "Listening", "TokenFile", "create_app", "serve"]
