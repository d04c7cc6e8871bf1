"""Tests of the rules: `builders` makes rules and calls, `naive` counts everything anew from all observations."""
