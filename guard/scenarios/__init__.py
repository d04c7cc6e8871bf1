"""Scenario files: what a rule is for, in traffic that a person can read, run against the rules themselves.

    rules/scenarios/<rule id>.txt -> script (text to lines) -> traffic (lines to reports) -> player (engine, in process)
                                                                                          -> proof (files against rules)

A rule says at which number it fires. Its scenario file says whom it is to catch, and who comes close and is let alone,
so that whoever moves a threshold sees at once what that does to both. `guard check` plays the files that lie beside
the rules it checks.

A scenario is complete in itself: it brings its country, its prices and the past of its accounts, so it means the same
wherever it is played. The engine is the daemon's, with all rules of the folder, none of which acts: a block would end
the traffic that the next line is about. Nothing here reads a clock: a scenario lives in the week of `script.MONDAY_MS`.
"""
