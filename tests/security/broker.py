"""A real mosquitto as docs/examples/mosquitto has it: TLS, users, rules of access; and clients of every kind for it.

The files are used as they are, but for their paths and the port.
"""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.integration.mosquitto import SHIPPED, Mosquitto

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "mosquitto"
PATIENCE_S = 15.0
OPEN = "listener 1883 127.0.0.1\nallow_anonymous true\n"
"""What network.conf takes the place of."""
_ETC = "/etc/mosquitto"


def password_of(user: str) -> str:
    """Of a user of these tests."""
    return f"{user}-and-a-secret"


def make_certificates(folder: Path) -> None:
    """An authority, what it signed for the broker and for some clients, and a broker's that nobody knows."""
    folder.mkdir(parents=True)
    _openssl(folder, "req", "-x509", *_new_key("ca"), "-out", "ca.crt", "-days", "2", "-subj", "/CN=authority")
    _openssl(folder, "req", "-x509", *_new_key("other"), "-out", "other.crt", "-days", "2", "-subj", "/CN=other")
    for name in ("broker", "guard", "sw1"):
        _openssl(folder, "req", *_new_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)


def _new_key(name: str) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class GuardedBroker(Mosquitto):
    """The shipped configuration behind the example for a network."""

    def __init__(
        self, folder: Path, certificates: Path, users: tuple[str, ...], *, by_certificate: bool = False
    ) -> None:
        folder.mkdir(parents=True)
        shutil.copy(EXAMPLES / "guard.acl", folder)
        self.certificates = certificates
        # mosquitto_passwd makes the file, with one hash a user.
        for number, user in enumerate(users):
            create = ("-c",) if number == 0 else ()
            passwords = folder / "passwd"
            command = ["mosquitto_passwd", *create, "-b", str(passwords), user, password_of(user)]
            subprocess.run(command, check=True, capture_output=True)
        super().__init__(folder, config=self._config_text(folder, by_certificate=by_certificate))

    @property
    def url(self) -> str:
        """By TLS."""
        return f"mqtts://127.0.0.1:{self.port}"

    def _config_text(self, folder: Path, *, by_certificate: bool) -> str:
        shipped, network = SHIPPED.read_text(), (EXAMPLES / "network.conf").read_text()
        assert shipped.count(OPEN) == 1, "network.conf says what it takes the place of"
        network = network.replace("\nlistener 8883\n", "\nlistener 8883 127.0.0.1\n")
        network = network.replace(f"{_ETC}/certs/", f"{self.certificates}/").replace(f" {_ETC}/", f" {folder}/")
        if by_certificate:
            network = network.replace(f"password_file {folder}/passwd\n", "")
            network = network.replace("#require", "require").replace("#use_id", "use_id")
        return shipped.replace(OPEN, network)


class Client:
    """Somebody at the broker: says things, and notes what comes."""

    def __init__(
        self, broker: GuardedBroker, user: str, *topics: str, password: str | None = None, certificate: str = ""
    ) -> None:
        """Connect as a user and subscribe; `AssertionError` when the broker does not let it in."""
        self.user = user
        self.heard: list[tuple[str, Any]] = []
        self._came = threading.Condition()
        self._connected = threading.Event()
        self._refused = ""
        self._subscribed = threading.Event()
        self._taken: dict[int, bool] = {}
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"test-{user}-{id(self)}", protocol=MQTTProtocolVersion.MQTTv5
        )
        context = ssl.create_default_context(cafile=broker.certificates / "ca.crt")
        if certificate:
            context.load_cert_chain(
                broker.certificates / f"{certificate}.crt", broker.certificates / f"{certificate}.key"
            )
        else:
            client.username_pw_set(user, password_of(user) if password is None else password)
        client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        self._client = client
        assert self._connected.wait(PATIENCE_S), f"{user} is not answered"
        assert not self._refused, self._refused
        if topics:
            client.subscribe([(topic, 1) for topic in topics])
            assert self._subscribed.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        """Connected."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, body: object, *, retain: bool = False) -> bool:
        """Publish; whether the broker has taken it."""
        receipt = self._client.publish(topic, json.dumps(body), qos=1, retain=retain)
        with self._came:
            assert self._came.wait_for(lambda: receipt.mid in self._taken, PATIENCE_S), f"{self.user} is not answered"
            return self._taken.pop(receipt.mid)

    def wait_for(self, topic: str, **members: object) -> Any:
        """The first message on a topic that says this."""
        deadline = time.monotonic() + PATIENCE_S
        with self._came:
            while True:
                for at, body in self.heard:
                    if at == topic and all(body.get(key) == value for key, value in members.items()):
                        return body
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"{self.user} has not heard {members} on {topic}, but {self.heard}"
                self._came.wait(left_s)

    def on(self, topic: str) -> list[Any]:
        """All that came on a topic."""
        with self._came:
            return [body for at, body in self.heard if at == topic]

    def _on_connect(self, _client: paho.Client, _data: object, _flags: object, code: Any, *_rest: object) -> None:
        self._refused = f"{self.user}: {code}" if code.is_failure else ""
        self._connected.set()

    def _on_publish(self, _client: paho.Client, _data: object, number: int, code: Any, _more: object) -> None:
        with self._came:
            self._taken[number] = not code.is_failure
            self._came.notify_all()

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        with self._came:
            self.heard.append((message.topic, json.loads(message.payload)))
            self._came.notify_all()
