"""Proof: which scenario files belong to which rules, and what comes of playing all of them.

A file belongs to the rule whose id is its name. A file of no rule is not an error, and neither is a rule without one:
who copies the shipped rules and drops one must be able to go on; both are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guard.config.problems import ConfigError
from guard.core.rules.rule import Rule
from guard.scenarios.player import Numbering, play
from guard.scenarios.script import ScriptError, read_scenarios

FOLDER = "scenarios"
"""Within the folder of the rules."""
SUFFIX = ".txt"


@dataclass(slots=True)
class Proof:
    """What came of all scenario files of a folder."""

    files: int = 0
    scenarios: int = 0
    expectations: int = 0
    problems: list[str] = field(default_factory=list)
    """Files that cannot be understood, and expectations that are not met."""
    unproved: list[str] = field(default_factory=list)
    """Rules without a file."""
    ownerless: list[Path] = field(default_factory=list)
    """Files of no rule."""


def prove(directory: Path, rules: Sequence[Rule], numbering: Numbering) -> Proof:
    """Play every scenario file that lies beside the rules of a folder."""
    proof = Proof()
    files = {path.name.removesuffix(SUFFIX): path for path in sorted((directory / FOLDER).glob(f"*{SUFFIX}"))}
    known = [rule.id for rule in rules]
    proof.unproved = [rule_id for rule_id in known if rule_id not in files]
    proof.ownerless = [path for name, path in files.items() if name not in known]
    for rule_id in known:
        if rule_id in files:
            _prove_one(proof, files[rule_id], rule_id, rules, numbering)
    return proof


def _prove_one(proof: Proof, path: Path, rule_id: str, rules: Sequence[Rule], numbering: Numbering) -> None:
    proof.files += 1
    try:
        scenarios = read_scenarios(path)
        for scenario in scenarios:
            proof.scenarios += 1
            proof.expectations += sum(len(line.expected) for line in scenario.lines)
            proof.problems += [str(unmet) for unmet in play(scenario, rule_id, rules, numbering)]
    except ScriptError as error:
        proof.problems.append(str(error))
    except ConfigError as error:
        proof.problems += [f"{path}: country: {problem.found}" for problem in error.problems]
