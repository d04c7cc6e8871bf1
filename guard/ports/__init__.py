"""What the shell needs from outside, as small Protocols: messages, a store, a clock, targets to tell, and who asks.

Adapters provide these, one library each; tests provide others and run the same contract tests against both. Nothing
here decides anything. Frozen records cross these borders, never dicts. Each module is about one neighbour: the clock,
the broker (`messages`), what keeps everything (`storage`) and how its history is read (`records`), who is told
(`telling`), the anomaly model, and the HTTP side (`desk`).
"""

from guard.ports.clock import Clock
from guard.ports.desk import Desk, Mistake, NotReadyError, Reloaded, SetupRefusedError
from guard.ports.messages import Message, Publisher, Source, TrackedPublisher
from guard.ports.model import Model, ModelView, Trained
from guard.ports.records import CursorError, Page, Records
from guard.ports.storage import FencedError, Outbox, Store, StoreError
from guard.ports.telling import Notifier, Sent, Webhooks

__all__ = [
    "Clock",
    "CursorError",
    "Desk",
    "FencedError",
    "Message",
    "Mistake",
    "Model",
    "ModelView",
    "NotReadyError",
    "Notifier",
    "Outbox",
    "Page",
    "Publisher",
    "Records",
    "Reloaded",
    "Sent",
    "SetupRefusedError",
    "Source",
    "Store",
    "StoreError",
    "TrackedPublisher",
    "Trained",
    "Webhooks",
]
