"""`guard install`: lay what the machine needs to run guard as a service, and say what to do next.

    unit, user, folders    replaced: they are guard's, and an operator's changes belong into `systemctl edit guard`
    configuration, rules   laid once and then the operator's: what is there is left as it is

Everything is checked before the first file is written. `--root` lays the same files below another folder, for an image
or a package; then nothing on this machine is changed or called. Run again after an update of guard.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guard.commands.output import FAILED, WRONG, CommandError, say
from guard.config.shipped import shipped

UNIT_PROGRAM = "/opt/guard/bin/guard"
"""What the shipped unit starts; replaced by the guard that installs."""
UNITS = (
    *("guard.service", "guard-train.service", "guard-train.timer"),
    *("guard-backup.service", "guard-backup.timer"),
    *("guard-ingest.service", "guard-worker@.service"),
)
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 -- named, not used
"""Folders that the unit's sandbox does not see, so guard must not live there."""
APPLY = (
    ("systemd-sysusers", "guard.conf"),
    ("systemd-tmpfiles", "--create", "guard.conf"),
    ("systemctl", "daemon-reload"),
)
COMMAND_WITHIN_S = 60
MOST_OF_A_LINE = 256
"""Linux reads no more of a script's first line."""
MOSQUITTO = Path(__file__).resolve().parents[1] / "share" / "mosquitto.conf"


@dataclass(frozen=True, slots=True)
class Piece:
    """A file to lay: where from the root, what is in it, and whether it is the operator's once it is there."""

    path: str
    content: bytes
    kept: bool


def install(*, root: Path | None, program: Path | None, dry_run: bool) -> None:
    """Lay everything; `CommandError` before anything is changed when it cannot be done."""
    starts = _program(program, here=root is None)
    base = Path("/") if root is None else root
    pieces = list(_pieces(starts))
    if dry_run:
        for piece in pieces:
            say(f"would {_what(piece, base)} {base / piece.path}")
        return
    if root is None and os.geteuid() != 0:
        raise CommandError("guard install writes below /etc: run it as root, or with --root DIR to look at it first")
    try:
        for piece in pieces:
            _lay(piece, base)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    if root is None:
        _apply()
    _tell_next(starts)


def _program(named: Path | None, *, here: bool) -> Path:
    """The guard that the unit starts: absolute, visible inside the sandbox, and there if it is to run `here`."""
    found = str(named) if named is not None else shutil.which(sys.argv[0])
    if found is None:
        raise CommandError("cannot tell where this guard is; name it with --program /opt/guard/bin/guard", WRONG)
    path = Path(os.path.abspath(found))  # noqa: PTH100 -- a link such as /usr/local/bin/guard is to stay one
    if here and not os.access(path, os.X_OK):
        raise CommandError(f"{path}: no program that can be started", WRONG)
    for folder in HIDDEN:
        for one in (path, path.resolve(), *_interpreter(path)):
            if one.is_relative_to(folder):
                raise CommandError(
                    f"{one}: the service cannot see anything below {folder}. Install guard where all can read it:"
                    " python3 -m venv /opt/guard && /opt/guard/bin/pip install guard-voip",
                    WRONG,
                )
    if any(char.isspace() or char in "%$\"'\\" for char in str(path)):
        raise CommandError(f"{path}: a unit cannot start a path with spaces, quotes, % or $", WRONG)
    return path


def _interpreter(program: Path) -> Iterator[Path]:
    """What a script is run by: a virtual environment's Python may be a link to one in somebody's home."""
    try:
        with program.open("rb") as file:
            first = file.readline(MOST_OF_A_LINE)
    except OSError:
        return
    words = first.removeprefix(b"#!").split()
    if first.startswith(b"#!") and words:
        yield Path(os.fsdecode(words[0])).resolve()


def _pieces(program: Path) -> Iterator[Piece]:
    folder = shipped("systemd")
    for name in UNITS:
        unit = (folder / name).read_text(encoding="utf-8").replace(UNIT_PROGRAM, str(program))
        yield Piece(f"etc/systemd/system/{name}", unit.encode(), kept=False)
    yield Piece("etc/sysusers.d/guard.conf", (folder / "guard.sysusers").read_bytes(), kept=False)
    yield Piece("etc/tmpfiles.d/guard.conf", (folder / "guard.tmpfiles").read_bytes(), kept=False)
    yield Piece("etc/guard/mosquitto.conf", MOSQUITTO.read_bytes(), kept=False)
    yield Piece("etc/guard/guard.toml", (folder / "guard.toml").read_bytes(), kept=True)
    rules = shipped("rules")
    for rule in sorted(path for path in rules.rglob("*") if path.is_file()):
        yield Piece(f"etc/guard/rules/{rule.relative_to(rules)}", rule.read_bytes(), kept=True)


def _what(piece: Piece, base: Path) -> str:
    path = base / piece.path
    if not path.exists():
        return "lay"
    if path.read_bytes() == piece.content:
        return "leave, as it is the same,"
    return "leave, as it is yours," if piece.kept else "replace"


def _lay(piece: Piece, base: Path) -> None:
    """Write it whole or not at all."""
    what, path = _what(piece, base), base / piece.path
    if not what.startswith("leave"):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(piece.content)
        beside.chmod(0o644)
        beside.replace(path)
    say(f"{what.split(',')[0]:8} {path}")


def _apply() -> None:
    """Make the user and the folders, and have systemd read the unit; where there is no systemd, say so."""
    for command in APPLY:
        if shutil.which(command[0]) is None:
            say(f"{command[0]} is not here: this machine is not run by systemd; the files are laid all the same")
            return
    if not Path("/run/systemd/system").is_dir():
        say("systemd does not run here: the files are laid; at the next start under systemd they count")
        return
    for command in APPLY:
        try:
            subprocess.run(command, check=True, timeout=COMMAND_WITHIN_S)  # noqa: S603 -- the constants above
        except (subprocess.SubprocessError, OSError) as error:
            raise CommandError(f"{' '.join(command)} failed: {error}", FAILED) from error


def _tell_next(program: Path) -> None:
    say(f"""
Next:
  1. your broker: cp /etc/guard/mosquitto.conf /etc/mosquitto/conf.d/guard.conf && systemctl restart mosquitto
  2. country, currency, tariff, plans: edit /etc/guard/guard.toml, then {program} check --config /etc/guard/guard.toml
  3. who may operate: runuser -u guard -- {program} token add YOU --role operate --config /etc/guard/guard.toml
  4. start: systemctl enable --now guard; the page is at http://127.0.0.1:8080/, the log in journalctl -u guard""")
