"""Who may use the API: `tokens.toml`, which holds names, roles and hashes, never a token.

```toml
[token.ana]
role = "operate"
hash = "sha256:..."
created = "2026-11-22T03:12:45Z"
```

A token is 256 random bits, so its plain SHA-256 is the right hash: there is nothing to guess that a slow, salted hash
would have to protect, and a slow one would tax every request. A shown token is compared with every hash in constant
time, whether or not one has matched already.

The daemon looks at the file's stamp on each request, so adding and removing work at once. When the file becomes
unreadable, the tokens last read stay good and the error is logged: a slip of an editor must not lock everybody out,
and must not open the door either.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import tempfile
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

PREFIX = "guard_"
"""Begins every token, so that scanners for leaked secrets can know one."""

MAX_TOKENS = 1_000
"""Each request is compared with all of them: 1,000 hashes cost half a millisecond."""

_MOST_SHOWN = 64
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_HEADER = "# Who may use guard's HTTP API. Made by `guard token`; the tokens themselves are not here.\n"

_log = logging.getLogger("guard.http")


class Role(Enum):
    """What a token is good for: looking, or also acting."""

    READ = "read"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One entry of the file."""

    name: str
    role: Role
    hash: str
    created: str


class TokenError(Exception):
    """The tokens file cannot be used or changed as asked; the text says why."""


def load_tokens(path: Path) -> dict[str, Token]:
    """All entries by name; none when there is no file; `TokenError` naming every entry that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:  # not UTF-8, not TOML, or TOML without end
        raise TokenError(f"{path}: cannot be read: {error}") from None
    entries = content.get("token", {})
    if not isinstance(entries, dict) or content.keys() - {"token"}:
        raise TokenError(f"{path}: has something other than [token.NAME] in it")
    if len(entries) > MAX_TOKENS:
        raise TokenError(f"{path}: has more than {MAX_TOKENS} tokens")
    tokens: dict[str, Token] = {}
    wrong: list[str] = []
    for name, entry in entries.items():
        try:
            tokens[name] = _token(name, entry)
        except ValueError as error:
            shown = name if _NAME.fullmatch(name) else repr(name[:_MOST_SHOWN])
            wrong.append(f"{path}: token.{shown}: {error}")
    if wrong:
        raise TokenError("\n".join(wrong))
    return tokens


def _token(name: str, entry: object) -> Token:
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 64 letters, digits, _ or -")
    if not isinstance(entry, dict):
        raise ValueError("is not a table")  # noqa: TRY004  (one kind of error for the caller)
    if unknown := sorted(entry.keys() - {"role", "hash", "created"}):
        raise ValueError(f"unknown key {unknown[0]}; accepted: role, hash, created")
    role, digest = entry.get("role"), entry.get("hash")
    if not isinstance(role, str) or role not in {"read", "operate"}:
        raise ValueError("role is not one of: read, operate")
    if not (isinstance(digest, str) and _HASH.fullmatch(digest)):
        raise ValueError("hash is not sha256: and 64 hexadecimal digits")
    return Token(name=name, role=Role(role), hash=digest, created=str(entry.get("created", "")))


def add_token(path: Path, name: str, role: Role) -> str:
    """Make a token and keep its hash; `TokenError` if the name is taken. The token is shown this once."""
    if not _NAME.fullmatch(name):
        raise TokenError("a token's name has 1 to 64 letters, digits, _ or -")
    tokens = load_tokens(path)
    if name in tokens:
        raise TokenError(f"{path}: there is a token {name} already; remove it first")
    if len(tokens) >= MAX_TOKENS:
        raise TokenError(f"{path}: has {MAX_TOKENS} tokens, which is all it may have")
    token = PREFIX + secrets.token_urlsafe(32)
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    tokens[name] = Token(name=name, role=role, hash=hash_of(token), created=created)
    _write(path, tokens)
    return token


def list_tokens(path: Path) -> list[Token]:
    """All entries in the order of their names."""
    return sorted(load_tokens(path).values(), key=lambda token: token.name)


def remove_token(path: Path, name: str) -> None:
    """Take a token away; `TokenError` if there is none of that name."""
    tokens = load_tokens(path)
    if name not in tokens:
        raise TokenError(f"{path}: there is no token {name}")
    del tokens[name]
    _write(path, tokens)


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def _write(path: Path, tokens: dict[str, Token]) -> None:
    """Replace the file as a whole, readable by its owner only."""
    text = _HEADER
    for token in tokens.values():
        created = token.created.replace("\\", "").replace('"', "")
        text += f'\n[token.{token.name}]\nrole = "{token.role.value}"\n'
        text += f'hash = "{token.hash}"\ncreated = "{created}"\n'
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TokenError(f"{path}: cannot be written: {error.strerror}") from None


class TokenFile:
    """The tokens as the daemon uses them: read again when the file has changed."""

    def __init__(self, path: Path) -> None:
        """Read the file, which need not be there; `TokenError` when it is there and cannot be used."""
        self._path = path
        self._stamp = self._present_stamp()
        self._tokens = load_tokens(path)
        self._needed = bool(self._tokens)

    def require(self) -> None:
        """From now on a token is needed even while there is none."""
        self._needed = True

    def needed(self) -> bool:
        """Whether requests must show a token."""
        self._refresh()
        return self._needed

    def find(self, shown: str) -> Token | None:
        """The entry of a shown token. Compares with all of them, in constant time each."""
        digest = hash_of(shown)
        found: Token | None = None
        for token in self._tokens.values():
            if hmac.compare_digest(token.hash, digest):
                found = token
        return found

    def all(self) -> list[Token]:
        """All entries, as they are now."""
        self._refresh()
        return list(self._tokens.values())

    def owner(self) -> str:
        """Whose file it is."""
        try:
            return self._path.owner()
        except (OSError, KeyError):
            return "unknown"

    def named(self, name: str) -> Token | None:
        """The entry of that name, as it is now."""
        return self._tokens.get(name)

    def _refresh(self) -> None:
        stamp = self._present_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._tokens = load_tokens(self._path)
        except TokenError as error:
            _log.error("the tokens last read stay good: %s", error)
            return
        self._needed = self._needed or bool(self._tokens)

    def _present_stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size
