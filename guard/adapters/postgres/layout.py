"""The tables, version by version: statements, and nothing that runs them (`schema` does).

Entry n of `MIGRATIONS` brings a database from version n to n + 1, version 0 being one without guard's schema. An entry
that has been released is never edited. The columns are those of the SQLite store, name by name (a test compares the
two), with `part` in front of every key; `decisions.stored_ms`, when its transaction began, is the database's alone.
Text is TEXT, a number is BIGINT whatever it counts, a blob is BYTEA. A column is only ever added, with a default, so
that a guard of the version before goes on writing while its standby of the next one has migrated already.

What is part of a key is in the order of bytes (`COLLATE "C"`), as Python and SQLite order text, whatever the database's
own order is. `account` and `call` are updated all the time and leave room on their pages for it (`fillfactor`), so that
an update touches no index, except when an account becomes warned, blocked or closed, or is so no more. `part.batch`
counts the batches of the epoch. `remembered`, `quarantine`, `billing`, `audit` and `notices` get their numbers from the
database, in the order of their batches; ledger lines and decisions from guard.
"""

from __future__ import annotations

_VERSION_1 = """
CREATE TABLE guard.part (
  part SMALLINT PRIMARY KEY,
  epoch BIGINT NOT NULL DEFAULT 0,
  batch BIGINT NOT NULL DEFAULT 0,
  position BIGINT NOT NULL DEFAULT 0,
  published BIGINT NOT NULL DEFAULT 0,
  forgotten_before_ms BIGINT NOT NULL DEFAULT 0,
  lines_without_details BIGINT NOT NULL DEFAULT 0,
  decisions_without_details BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE guard.lease (
  part SMALLINT PRIMARY KEY,
  owner TEXT COLLATE "C" NOT NULL DEFAULT '',
  lease_until TIMESTAMPTZ NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

CREATE TABLE guard.worker (
  id TEXT COLLATE "C" PRIMARY KEY,
  url TEXT NOT NULL,
  seen TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE guard.account (
  part SMALLINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  timezone TEXT NOT NULL,
  opened TEXT NOT NULL,
  "plan" TEXT NOT NULL,
  tariff TEXT NOT NULL,
  provisional BIGINT NOT NULL,
  closed BIGINT NOT NULL,
  owed_micros BIGINT NOT NULL,
  pending_micros BIGINT NOT NULL,
  trusted_micros BIGINT NOT NULL,
  limit_micros BIGINT,
  limit_source TEXT NOT NULL,
  cycles_micros BIGINT,
  floor_micros BIGINT,
  cap_micros BIGINT,
  until_limit_micros BIGINT,
  until_ms BIGINT,
  level BIGINT NOT NULL,
  spoken BIGINT NOT NULL,
  allow_until_ms BIGINT,
  seq BIGINT NOT NULL,
  decisions BIGINT NOT NULL,
  lifted_at_ms BIGINT NOT NULL,
  command TEXT,
  causes TEXT NOT NULL,
  books TEXT,
  forgotten BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (part, id)
) WITH (fillfactor = 60);

CREATE TABLE guard.call (
  part SMALLINT NOT NULL,
  switch TEXT COLLATE "C" NOT NULL,
  call TEXT COLLATE "C" NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  event BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  newest_at_ms BIGINT NOT NULL,
  answered_at_ms BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  charge_micros BIGINT NOT NULL,
  stated_charge_micros BIGINT NOT NULL,
  rate_micros BIGINT NOT NULL,
  rate_known BIGINT NOT NULL,
  posted_micros BIGINT NOT NULL,
  "to" TEXT NOT NULL,
  caller TEXT NOT NULL,
  direction TEXT NOT NULL,
  emergency BIGINT NOT NULL,
  source TEXT NOT NULL,
  silent_carry_scaled BIGINT NOT NULL,
  defies BIGINT NOT NULL,
  stated_duration_ms BIGINT NOT NULL DEFAULT -1,
  posted_gross_micros BIGINT,
  posted_billed_s BIGINT NOT NULL DEFAULT 0,
  posted_covered_s BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (part, switch, call)
) WITH (fillfactor = 60);

CREATE TABLE guard.switch (
  part SMALLINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  up BIGINT NOT NULL,
  first_heard_ms BIGINT NOT NULL,
  last_heard_ms BIGINT NOT NULL,
  skew_ms BIGINT NOT NULL,
  last_seen_ms BIGINT NOT NULL DEFAULT 0,
  down_at_ms BIGINT NOT NULL DEFAULT 0,
  silence TEXT NOT NULL DEFAULT '',
  told_at_ms BIGINT,
  PRIMARY KEY (part, name)
) WITH (fillfactor = 60);

CREATE TABLE guard.ledger (
  part SMALLINT NOT NULL,
  number BIGINT NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  kind TEXT NOT NULL,
  amount_micros BIGINT NOT NULL,
  currency TEXT NOT NULL,
  switch TEXT COLLATE "C" NOT NULL,
  call TEXT COLLATE "C" NOT NULL,
  "to" TEXT NOT NULL,
  direction TEXT NOT NULL,
  duration_ms BIGINT NOT NULL,
  emergency BIGINT NOT NULL,
  ref TEXT NOT NULL,
  method TEXT NOT NULL,
  text TEXT NOT NULL,
  gross_micros BIGINT,
  billed_s BIGINT NOT NULL DEFAULT 0,
  covered_s BIGINT NOT NULL DEFAULT 0,
  kind_of_call TEXT NOT NULL DEFAULT '',
  destination TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (part, number)
);
CREATE INDEX ledger_account ON guard.ledger (part, account, at_ms, number);

CREATE TABLE guard.decisions (
  part SMALLINT NOT NULL,
  number BIGINT NOT NULL,
  id TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  action TEXT NOT NULL,
  scope TEXT NOT NULL,
  mode TEXT NOT NULL,
  reason TEXT NOT NULL,
  rule TEXT NOT NULL,
  "key" TEXT NOT NULL,
  mark TEXT NOT NULL,
  exposure_micros BIGINT NOT NULL,
  limit_micros BIGINT,
  currency TEXT NOT NULL,
  evidence TEXT NOT NULL,
  text TEXT NOT NULL,
  "by" TEXT NOT NULL,
  PRIMARY KEY (part, number)
);
CREATE INDEX decisions_account ON guard.decisions (part, account, number);

CREATE TABLE guard.remembered (
  part SMALLINT NOT NULL,
  number BIGINT GENERATED BY DEFAULT AS IDENTITY,
  switch TEXT COLLATE "C" NOT NULL,
  call TEXT COLLATE "C" NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  newest_at_ms BIGINT NOT NULL,
  event BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  charge_micros BIGINT NOT NULL,
  posted_micros BIGINT NOT NULL,
  lost BIGINT NOT NULL,
  emergency BIGINT NOT NULL,
  direction TEXT NOT NULL,
  rated TEXT,
  PRIMARY KEY (part, number)
);
CREATE INDEX remembered_age ON guard.remembered (part, newest_at_ms);

CREATE TABLE guard.quarantine (
  part SMALLINT NOT NULL,
  number BIGINT GENERATED BY DEFAULT AS IDENTITY,
  switch TEXT NOT NULL,
  call TEXT NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  received_at_ms BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  rule TEXT NOT NULL,
  event TEXT NOT NULL,
  charge_micros BIGINT,
  currency TEXT NOT NULL,
  PRIMARY KEY (part, number)
);

CREATE TABLE guard.billing (
  part SMALLINT NOT NULL,
  number BIGINT GENERATED BY DEFAULT AS IDENTITY,
  id TEXT NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  type TEXT NOT NULL,
  amount_micros BIGINT,
  method TEXT NOT NULL,
  status TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (part, number)
);
CREATE INDEX billing_account ON guard.billing (part, account, number);

CREATE TABLE guard.audit (
  part SMALLINT NOT NULL,
  number BIGINT GENERATED BY DEFAULT AS IDENTITY,
  account TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  "by" TEXT NOT NULL,
  what TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (part, number)
);
CREATE INDEX audit_account ON guard.audit (part, account, number);

CREATE TABLE guard.pending (
  part SMALLINT NOT NULL,
  switch TEXT COLLATE "C" NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (part, switch, account)
);

CREATE TABLE guard.kept (
  part SMALLINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  "key" TEXT COLLATE "C" NOT NULL,
  row BYTEA NOT NULL,
  PRIMARY KEY (part, kind, "key")
) WITH (fillfactor = 60);

CREATE TABLE guard.notices (
  part SMALLINT NOT NULL,
  number BIGINT GENERATED BY DEFAULT AS IDENTITY,
  id TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  kind TEXT NOT NULL,
  switch TEXT NOT NULL,
  account TEXT NOT NULL,
  text TEXT NOT NULL,
  over BIGINT NOT NULL,
  PRIMARY KEY (part, number)
);

CREATE TABLE guard.webhook (
  part SMALLINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  decision BIGINT NOT NULL,
  notice BIGINT NOT NULL,
  PRIMARY KEY (part, name)
) WITH (fillfactor = 60);

CREATE TABLE guard.delivery (
  part SMALLINT NOT NULL,
  webhook TEXT COLLATE "C" NOT NULL,
  event TEXT COLLATE "C" NOT NULL,
  is_notice BIGINT NOT NULL,
  number BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  since_ms BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  tried_ms BIGINT NOT NULL,
  dead BIGINT NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (part, webhook, event)
);

CREATE TABLE guard.forget (
  part SMALLINT NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  last_line BIGINT NOT NULL,
  PRIMARY KEY (part, account)
);
"""

_VERSION_2 = """
ALTER TABLE guard.part ADD COLUMN position_at_ns BIGINT NOT NULL DEFAULT 0;

ALTER TABLE guard.decisions ADD COLUMN stored_ms BIGINT NOT NULL DEFAULT (extract(epoch FROM now()) * 1000)::bigint;
CREATE INDEX decisions_stored ON guard.decisions (stored_ms, part, number);
CREATE INDEX decisions_id ON guard.decisions (id);

CREATE INDEX call_account ON guard.call (part, account);

CREATE FUNCTION guard.blocked_since(causes TEXT) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT min(cause[1]::bigint)
  FROM regexp_matches(causes, '[[]"[a-z_]*","[^"]*","[a-z]*",(?:true|false),([0-9]{1,18}),', 'g') AS cause
$$;
CREATE INDEX account_id ON guard.account (id);
CREATE INDEX account_warned ON guard.account (id) WHERE closed = 0 AND causes = '[]' AND level > 0;
CREATE INDEX account_blocked ON guard.account (id) WHERE closed = 0 AND causes <> '[]';
CREATE INDEX account_closed ON guard.account (id) WHERE closed <> 0;
CREATE INDEX account_newly_blocked ON guard.account (guard.blocked_since(causes), id)
  WHERE closed = 0 AND causes <> '[]';

CREATE INDEX delivery_dead ON guard.delivery (webhook, event) WHERE dead = 1;

CREATE TABLE guard.told (
  worker TEXT COLLATE "C" PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL,
  picture BYTEA NOT NULL
) WITH (fillfactor = 50);

ALTER TABLE guard.part ADD COLUMN token BIGINT NOT NULL DEFAULT 0;

ALTER TABLE guard.layout ADD COLUMN log TEXT NOT NULL DEFAULT '';

ALTER TABLE guard.worker ADD COLUMN reads BIGINT NOT NULL DEFAULT 1;
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2)
"""Entry n makes version n + 1 of version n."""
