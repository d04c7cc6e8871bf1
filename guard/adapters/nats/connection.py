"""The connection to NATS: kept up for ever, with what guard needs of it and nothing else of the library.

nats-py connects again by itself, to whichever of the servers answers; here is added what it leaves to its user:

- **What is heard** (`hear`) is heard again after every loss, also after the server has closed the connection for good
  (which nats-py takes for the end).
- **Answers** (`ask`): one inbox for all requests of the process and a plain table of who waits; what has not been
  answered within `ANSWER_LIMIT_S` is given up by one look at all every `SWEEP_S`. nats-py makes a task, a timer and two
  random names for each, which at thousands of appends a second is most of the price.
- **Nothing is buffered** for a connection that is not there: what cannot be sent now is said again by whoever needs it.
- **In the clear, nothing is sent that was to be encrypted.** The library encrypts when the server says so; who answers
  in its place would not, and get the password. With `tls://` a server without TLS is refused.
- **A useless server is left** (`elsewhere`). A node that was cut off from its cluster still answers pings.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from guard.adapters.nats.options import LogOptions
from guard.adapters.nats.words import CUT, NO_TLS, explained

ANSWER_LIMIT_S = 5.0
SWEEP_S = 0.25
CONNECT_LIMIT_S = 2
PAUSE_S = 0.25
PING_S = 2
CLOSE_LIMIT_S = 2.0
PENDING_MESSAGES = 65_536
PENDING_BYTES = 256 << 20
"""Of one subscription; beyond it the library throws away, and whoever reads notices the gap."""
OUTGOING_BYTES = 16 << 20

REASONS = 16
"""That are told before there is a connection again."""
_INBOX_BYTES = 12

Hear = Callable[[Msg], Awaitable[None]]
Answer = asyncio.Future[Msg | None]


@dataclass(slots=True)
class _Ear:
    """A subscription that outlives connections."""

    subject: str
    queue: str
    hear: Hear
    begun: bool = False
    present: Subscription | None = None


class _EncryptedClient(Client):
    """Refuses a server that would take the login in the clear."""

    def _connect_command(self) -> bytes:
        if not self._server_info.get("tls_required"):
            raise nats.errors.Error(NO_TLS)
        return super()._connect_command()


def _nobody() -> None:
    """Before somebody wants to be told."""


class Connection:
    """See the module's text. All methods on the event loop."""

    def __init__(self, options: LogOptions) -> None:
        """Prepare; nothing is opened before `run`. `LogAddressError` when a certificate cannot be used."""
        self.options = options
        self.on_connected: Callable[[], None] = _nobody
        self.on_disconnected: Callable[[], None] = _nobody
        self.connections = 0
        self._tls = options.tls_context()
        self._client: Client | None = None
        self._up = asyncio.Event()
        self._ears: list[_Ear] = []
        self._inbox = ""
        self._inboxes = f"{options.inbox}.{secrets.token_hex(_INBOX_BYTES)}"
        self._numbers = itertools.count(1)
        self._waiting: dict[str, tuple[Answer, float]] = {}
        self._reasons: list[str] = []
        """What went wrong since there was a connection, each once."""
        self._log = structlog.get_logger(__name__).bind(servers=",".join(options.servers))

    # -- state

    @property
    def connected(self) -> bool:
        """Whether something can be sent now."""
        return self._client is not None and self._client.is_connected

    @property
    def reason(self) -> str:
        """Why there is no connection, as far as that is known."""
        told = [reason for reason in self._reasons if reason != CUT] or self._reasons
        return told[-1] if told else ""

    @property
    def max_payload(self) -> int:
        """What the server takes as one message; 0: not known yet."""
        return self._client.max_payload if self._client is not None and self.connected else 0

    async def up(self) -> None:
        """Wait until there is a connection."""
        await self._up.wait()

    # -- life

    async def run(self) -> None:
        """Keep connected until cancelled. Never gives up: what is wrong is logged once, when it changes."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sweep(), name="answers")
            while True:
                await self._serve()
                await asyncio.sleep(PAUSE_S)

    async def _serve(self) -> None:
        """One client of the library, from its making until it takes itself for closed."""
        closed = asyncio.Event()
        options = self.options
        client = _EncryptedClient() if options.tls else Client()
        self._inbox = f"{options.inbox}.{secrets.token_hex(_INBOX_BYTES)}."

        async def note_closed() -> None:
            closed.set()

        file = None if options.credentials is None else str(options.credentials)
        try:
            by_seed = options.by_seed
            await client.connect(
                servers=list(options.servers),
                name=options.name,
                error_cb=self._note_error,
                disconnected_cb=self._note_down,
                reconnected_cb=self._note_up,
                closed_cb=note_closed,
                connect_timeout=CONNECT_LIMIT_S,
                reconnect_time_wait=1,
                max_reconnect_attempts=-1,
                ping_interval=PING_S,
                max_outstanding_pings=2,
                tls=self._tls,
                user=options.user or None,
                password=options.password or None,
                user_credentials=None if by_seed else file,
                nkeys_seed=file if by_seed else None,
                pending_size=OUTGOING_BYTES,
                flush_timeout=ANSWER_LIMIT_S,
            )
            self._client = client
            await client.subscribe(f"{self._inbox}*", cb=self._take_answer)
            for ear in self._ears:
                await self._begin(ear)
            await self._note_up()
            await closed.wait()
        except Exception as error:  # noqa: BLE001 -- boundary: whatever a server or a file of who this is does, try again
            await self._note_error(error)
        finally:
            self._client = None
            for ear in self._ears:
                ear.begun, ear.present = False, None
            if client.is_connected:
                self._up.clear()
                self._log.info("nats-disconnected")
            await self._note_down()
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await asyncio.wait_for(client.close(), CLOSE_LIMIT_S)

    async def _note_up(self) -> None:
        self.connections += 1
        self._reasons.clear()
        self._log.info("nats-connected", connections=self.connections)
        self._up.set()
        self.on_connected()

    async def _note_down(self) -> None:
        if self._up.is_set():
            self._up.clear()
            self._log.warning("nats-connection-lost")
            self.on_disconnected()
        for token in list(self._waiting):
            self._settle(token, None)

    async def _note_error(self, error: Exception) -> None:
        """Log what is wrong: each reason once, for one server may have several by turns."""
        reason = explained(error, self.options)
        if reason not in self._reasons and len(self._reasons) < REASONS:
            self._reasons.append(reason)
            self._log.warning("nats-failed", reason=reason)

    async def elsewhere(self) -> None:
        """This server is of no use: try another."""
        if self._client is not None and self._client.is_connected:
            self._log.warning("nats-server-left", reason="nothing that was asked has been answered")
            await self._client.force_reconnect()

    def new_inbox(self) -> str:
        """A subject of our own, never used before."""
        return f"{self._inboxes}.{next(self._numbers)}"

    # -- hearing

    @contextlib.asynccontextmanager
    async def hearing(self, subject: str, hear: Hear, queue: str = "") -> AsyncIterator[None]:
        """Hear what is published under a subject while the block runs, also on later connections."""
        ear = _Ear(subject, queue, hear)
        self._ears.append(ear)
        try:
            await self._begin(ear)
            yield
        finally:
            self._ears.remove(ear)
            if ear.present is not None and self.connected:
                with contextlib.suppress(nats.errors.Error, OSError):
                    await ear.present.unsubscribe()

    async def _begin(self, ear: _Ear) -> None:
        client = self._client
        if client is None or ear.begun:
            return
        with contextlib.suppress(nats.errors.Error, OSError):
            # Before the await: who comes meanwhile must not do it again.
            ear.begun = True
            ear.present = await client.subscribe(
                ear.subject,
                queue=ear.queue,
                cb=ear.hear,
                pending_msgs_limit=PENDING_MESSAGES,
                pending_bytes_limit=PENDING_BYTES,
            )

    # -- saying and asking

    async def say(self, subject: str, payload: bytes, reply: str = "", headers: dict[str, str] | None = None) -> bool:
        """Publish; False when that is not possible now."""
        client = self._client
        if client is None or not client.is_connected:
            return False
        try:
            await client.publish(subject, payload, reply=reply, headers=headers)
        except (nats.errors.Error, OSError):
            return False
        return True

    async def ask(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Msg | None:
        """Publish and wait for one answer; None when none came in time, or nobody is there to give one."""
        token = str(next(self._numbers))
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting[token] = (answer, asyncio.get_running_loop().time())
        try:
            if not await self.say(subject, payload, self._inbox + token, headers):
                return None
            return await answer
        finally:
            self._waiting.pop(token, None)

    async def _take_answer(self, message: Msg) -> None:
        nobody = not message.data and (message.headers or {}).get("Status") == "503"
        self._settle(message.subject.rpartition(".")[2], None if nobody else message)

    def _settle(self, token: str, message: Msg | None) -> None:
        answer, _ = self._waiting.pop(token, (None, 0.0))
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def _sweep(self) -> None:
        """Give up what has not been answered."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_S)
            latest_s = clock() - ANSWER_LIMIT_S
            for token, (_, asked_s) in list(self._waiting.items()):
                if asked_s > latest_s:
                    break  # in the order in which they were asked
                self._settle(token, None)
