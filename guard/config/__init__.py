"""`guard.toml` and the files it names: what an operator writes, read once into frozen, typed objects.

Every key is optional and every default is the contract's. An unknown key is an error that names the
nearest known one, because a misspelt `block` that is silently ignored costs somebody money. All
errors are found in one go, each with its file, its line where it can be told, its key, what is
wrong and what would be accepted. Sections whose feature comes with a later release are read and
checked for shape already, so that an operator's file never has to change. Tariff and plans are files of
their own (`read_prices`), because they come from a spreadsheet and change more often.

This package knows files and text. It imports the core (for what it makes: `Settings`, `Tariff`,
`Plan`) and the standard library, nothing else.
"""

from guard.config.load import DEFAULT_PATH, check_config, load_config
from guard.config.plans import read_plans, remarks_on
from guard.config.prices import Prices, read_prices
from guard.config.problems import ConfigError, Problem, noted
from guard.config.sections import (
    AccountsSection,
    BrokerScheme,
    BrokerSection,
    CallsSection,
    CdrSection,
    Config,
    FuseSection,
    HttpSection,
    ModelSection,
    NumbersSection,
    PaymentsSection,
    PlansSection,
    RulesSection,
    StoreSection,
    TariffSection,
    WebhookKind,
    WebhookSection,
)
from guard.config.tariff import read_tariff
from guard.config.webhooks import Target, read_targets, webhook_problem

__all__ = [
    "DEFAULT_PATH",
    "AccountsSection",
    "BrokerScheme",
    "BrokerSection",
    "CallsSection",
    "CdrSection",
    "Config",
    "ConfigError",
    "FuseSection",
    "HttpSection",
    "ModelSection",
    "NumbersSection",
    "PaymentsSection",
    "PlansSection",
    "Prices",
    "Problem",
    "RulesSection",
    "StoreSection",
    "Target",
    "TariffSection",
    "WebhookKind",
    "WebhookSection",
    "check_config",
    "load_config",
    "noted",
    "read_plans",
    "read_prices",
    "read_targets",
    "read_tariff",
    "remarks_on",
    "webhook_problem",
]
