"""Boards, rules and the runbook for whoever watches guard; not part of the daemon."""
