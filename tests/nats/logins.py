"""Who somebody is, in NATS' own ways: seeds of NKeys, and users whom an account has signed."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

import nkeys

_ALL = -1
_LIMITS = dict.fromkeys(
    ("subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage", "streams"), _ALL
)


class Signer:
    """A key pair of NATS' kind that can sign others."""

    def __init__(self, kind: int) -> None:
        """`kind`: one of nkeys' prefixes."""
        self.seed: bytes = nkeys.encode_seed(secrets.token_bytes(32), kind)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.public: str = self._pair.public_key.decode()

    def signed(self, subject: str, type_: str, **claims: Any) -> str:
        """A JSON web token as NATS wants it."""
        payload = {
            "jti": secrets.token_hex(8),
            "iat": 1_700_000_000,
            "iss": self.public,
            "name": type_,
            "sub": subject,
            "nats": {"type": type_, "version": 2, **claims},
        }
        text = ".".join(
            _encoded(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ed25519-nkey"}, payload)
        )
        return f"{text}.{_encoded(self._pair.sign(text.encode()))}"


class Operator:
    """Decentralised users: a server that knows its operator, one account for guard and the system's."""

    def __init__(self) -> None:
        """Make all of them."""
        operator = Signer(nkeys.PREFIX_BYTE_OPERATOR)
        self._guard = Signer(nkeys.PREFIX_BYTE_ACCOUNT)
        system = Signer(nkeys.PREFIX_BYTE_ACCOUNT)
        preload = "\n".join(
            f"  {account.public}: {operator.signed(account.public, 'account', limits={**_LIMITS, 'wildcards': True})}"
            for account in (self._guard,)
        )
        of_system = operator.signed(system.public, "account", limits={"subs": _ALL, "conn": _ALL, "wildcards": True})
        self.configuration = (
            f"operator: {operator.signed(operator.public, 'operator')}\nsystem_account: {system.public}\n"
            f"resolver: MEMORY\nresolver_preload: {{\n{preload}\n  {system.public}: {of_system}\n}}\n"
        )

    def credentials(self, file: Path, by: Signer | None = None) -> Path:
        """A `.creds` file of a user whom guard's account has signed, or somebody else."""
        user = Signer(nkeys.PREFIX_BYTE_USER)
        token = (by or self._guard).signed(
            user.public, "user", pub={}, sub={}, subs=_ALL, data=_ALL, payload=_ALL, issuer_account=self._guard.public
        )
        file.write_text(
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
        )
        return file


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
