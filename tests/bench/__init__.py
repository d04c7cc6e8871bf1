"""Benchmarks: ratios first, absolute figures with the machine they were taken on.

`python -m tests.bench` runs everything (about three minutes); `--only NAME` one part. Nothing here is a timed test:
the figures go to `BENCHMARKS.md` by hand or by `--markdown`.
"""
