"""The operators' side: the JSON API of contract 6, metrics, health, and the page.

It sees the daemon through `guard.ports.Desk` alone and runs in the daemon's own loop, so nothing here may take long at
a time: lists come in pages, the ledger is streamed, and the money goes first. The layers, from outside in:

    Pieces            each piece of the work waits until the daemon has nothing to do
    Boundary          what nobody expected becomes a 500 and a log line
    SecurityHeaders   on every answer
    Gate              this machine only, or whoever shows a token; bodies within bounds
    RawPath           routes on the path as it was sent, so that an id may hold any character
    routes            `app.ROUTES`; errors become problem documents (RFC 9457)

Nothing is imported here: whoever only reads the file of tokens must not wait for a web server.
"""
