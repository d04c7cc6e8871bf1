"""The Grafana boards as code: `python -m dashboards.boards` writes the JSON that Grafana is provisioned with.

| module | |
|---|---|
| `style` | the few kinds of panels there are, so that all boards look and behave alike |
| `overview`, `detection`, `daemon` | one board each: rows of panels, each with the question that it answers |
| `files` | what is written where; `docs/metrics.md` among it |

The JSON is committed, so nobody needs this to use the boards; a test builds it anew and compares. Queries may name only
what `guard.adapters.metrics.catalog`, the recording rules and the process exposition have, and a real Prometheus that
scrapes a real daemon must answer each of them.
"""
