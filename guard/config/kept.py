"""Secrets: a value is never in `guard.toml`, only where it is kept.

    KEY_file          a file, relative to the configuration's, that guard's user can read
    KEY_credential    the name of a credential that systemd hands over (`LoadCredential=`)
    KEY_env           the name of an environment variable

At most one of them. `read_kept` notes where; only `fetched`, with which the daemon starts and `guard check` looks, goes
there. No message repeats what is kept.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from guard.config import values
from guard.config.problems import RejectedError
from guard.config.sections import Kept
from guard.config.table import Table

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd says it has put them."""

OPEN_TO_ALL = "it holds a secret, and every user of this machine can read it: chmod 600, or o-r where a group has to"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._@-]{1,255}")
_MOST_BYTES = 65_536


def places(key: str) -> str:
    """The keys that say where the value of a key is kept, for a sentence."""
    return f"{key}_file, {key}_credential or {key}_env"


def read_kept(table: Table, key: str, base: Path, stated: str = "") -> Kept:
    """Where the value of a key is kept; `stated`: what the file itself says, of a key that need not be secret."""
    file = read_file(table, f"{key}_file", base)
    credential = table.read(f"{key}_credential", "", matching(_CREDENTIAL, "the name of a credential"))
    environment = table.read(f"{key}_env", "", matching(_VARIABLE, "the name of an environment variable"))
    named = [name for name in (key, f"{key}_file", f"{key}_credential", f"{key}_env") if name in table]
    if len(named) > 1:
        table.reject(named[1], RejectedError(f"stands beside {named[0]}", "one of the two"))
    return Kept(value=stated, file=file, credential=credential, environment=environment)


def read_file(table: Table, key: str, base: Path) -> Path | None:
    """The file that a key names; None: it names none."""
    stated = table.read(key, None, values.text)
    return None if stated is None else base / stated


def refuse_secret(table: Table, key: str) -> None:
    """A secret in the file itself is refused, whatever it is."""

    def no_place_for_secrets(_value: object) -> str:
        raise RejectedError("does not belong in this file", f"its place: {places(key)}")

    if key in table:
        table.read(key, "", no_place_for_secrets)


def matching(pattern: re.Pattern[str], accepted: str) -> Callable[[object], str]:
    """A reader of text that has a form."""

    def read(value: object) -> str:
        text = values.text(value)
        if not pattern.fullmatch(text):
            raise RejectedError("cannot be that", accepted)
        return text

    return read


def fetched(kept: Kept, environment: Mapping[str, str]) -> str:
    """The value, wherever it is kept; `RejectedError` when it cannot be had."""
    if kept.file is not None:
        return _content(kept.file)
    if kept.credential:
        folder = environment.get(CREDENTIALS)
        if not folder:
            found = f"is a credential, and systemd has handed over none (${CREDENTIALS} is not set)"
            raise RejectedError(found, f"LoadCredential={kept.credential}:PATH in the unit")
        return _content(Path(folder) / kept.credential)
    if kept.environment:
        text = environment.get(kept.environment, "").strip()
        if not text:
            raise RejectedError(f"is in ${kept.environment}, which is not set", "a variable that is set")
        return text
    return kept.value


def open_to_all(files: Iterable[Path]) -> list[Path]:
    """Those that every user of this machine can read; of what is not there nothing is said here."""
    found: list[Path] = []
    for file in files:
        try:
            mode = file.stat().st_mode
        except (OSError, ValueError):
            continue
        if mode & stat.S_IROTH:
            found.append(file)
    return found


def _content(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode().strip()
    except UnicodeDecodeError:
        raise RejectedError(f"is in {file}, which is not UTF-8 text", "a text file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RejectedError(
            f"is in {file}, which cannot be read: {reason}", "a file that guard's user can read"
        ) from None
    if not text:
        raise RejectedError(f"is in {file}, which is empty", "a file with the secret")
    return text
