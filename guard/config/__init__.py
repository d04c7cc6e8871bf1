"""`guard.toml`: what an operator writes, read once into one frozen, typed `Config`.

Every key is optional and every default is the contract's. An unknown key is an error that names the
nearest known one, because a misspelt `block` that is silently ignored costs somebody money. All
errors are found in one go, each with its file, its line where it can be told, its key, what is
wrong and what would be accepted. Sections whose feature comes with a later release are read and
checked for shape already, so that an operator's file never has to change.

This package knows files and text. It imports the core (for `Settings`) and the standard library,
nothing else.
"""

from guard.config.load import DEFAULT_PATH, check_config, load_config
from guard.config.problems import ConfigError, Problem
from guard.config.sections import (
    AccountsSection,
    BrokerScheme,
    BrokerSection,
    CallsSection,
    Config,
    FuseSection,
    HttpSection,
    ModelMode,
    ModelSection,
    NumbersSection,
    PaymentsSection,
    PlansSection,
    RulesSection,
    StoreSection,
    TariffSection,
    WebhookSection,
)

__all__ = [
    "DEFAULT_PATH",
    "AccountsSection",
    "BrokerScheme",
    "BrokerSection",
    "CallsSection",
    "Config",
    "ConfigError",
    "FuseSection",
    "HttpSection",
    "ModelMode",
    "ModelSection",
    "NumbersSection",
    "PaymentsSection",
    "PlansSection",
    "Problem",
    "RulesSection",
    "StoreSection",
    "TariffSection",
    "WebhookSection",
    "check_config",
    "load_config",
]
