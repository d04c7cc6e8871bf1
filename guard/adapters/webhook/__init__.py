"""Webhooks by HTTP: guard's own signed ones, Alertmanager, PagerDuty.

Each target is a `guard.ports.Notifier`: one attempt to tell it about one event, which never raises and never takes
longer than its limit. When to try, and again, is the business of `guard.shell.courier`; what is said is made in
`guard.wire.webhooks`. Here is how it gets there (`client`, on the thread of `sender`), and what each target calls its
door and its key (`targets`).
"""

from guard.adapters.webhook.client import SEND_WITHIN_S
from guard.adapters.webhook.sender import Sender
from guard.adapters.webhook.targets import PAGERDUTY, Alertmanager, PagerDuty, SecretError, Signed, signing_key_remark

__all__ = [
    "PAGERDUTY",
    "SEND_WITHIN_S",
    "Alertmanager",
    "PagerDuty",
    "SecretError",
    "Sender",
    "Signed",
    "signing_key_remark",
]
