-- Points that partners give, and what partners are owed: statements of each month, and how disputes about them end.

CREATE TABLE accrual (
    partner      text        NOT NULL,
    reference    text        NOT NULL CHECK (reference <> '' AND length(reference) <= 64),
    kind         text        NOT NULL CHECK (kind IN ('accrued', 'accrual_reversed')),
    shard        smallint    NOT NULL,
    journal_id   uuid        NOT NULL,
    member_id    uuid        NOT NULL,
    points       bigint      NOT NULL CHECK (points >= 1),
    money        bigint      NOT NULL CHECK (money >= 0),
    currency     text        NOT NULL,
    prepaid      boolean     NOT NULL,
    what         text        NOT NULL,
    effective_on date        NOT NULL,
    booked_on    date        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    actor        text        NOT NULL,
    reason       text        NOT NULL,
    PRIMARY KEY (partner, reference, kind),
    CONSTRAINT nothing_is_owed_for_what_was_paid CHECK (NOT prepaid OR money = 0)
);

CREATE INDEX accrual_of_day ON accrual (partner, effective_on);
CREATE INDEX accrual_of_member ON accrual (shard, member_id);

CREATE TABLE partner_deposit (
    partner     text        NOT NULL,
    reference   text        NOT NULL CHECK (reference <> '' AND length(reference) <= 64),
    points      bigint      NOT NULL CHECK (points >= 1),
    money       bigint      NOT NULL CHECK (money >= 0),
    currency    text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor       text        NOT NULL,
    PRIMARY KEY (partner, reference)
);

CREATE TABLE statement_turn (
    partner text    PRIMARY KEY,
    issued  integer NOT NULL CHECK (issued >= 0)
);

CREATE TABLE statement (
    partner   text        NOT NULL,
    number    integer     NOT NULL CHECK (number >= 1),
    period    text        NOT NULL CHECK (period ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'),
    currency  text        NOT NULL,
    records   integer     NOT NULL CHECK (records >= 0),
    points    bigint      NOT NULL,
    money     bigint      NOT NULL,
    hash      bytea       NOT NULL CHECK (octet_length(hash) = 32),
    issued_at timestamptz NOT NULL,
    issued_by text        NOT NULL,
    PRIMARY KEY (partner, number),
    UNIQUE (partner, period)
);

CREATE TABLE statement_line (
    partner      text     NOT NULL,
    number       integer  NOT NULL,
    line         integer  NOT NULL CHECK (line >= 1),
    kind         text     NOT NULL CHECK (kind IN ('captured', 'refunded', 'accrued', 'accrual_reversed', 'adjusted')),
    shard        smallint NOT NULL,
    journal_id   uuid     NOT NULL,
    entry        text     NOT NULL,
    reference    text     NOT NULL,
    offer        text     NOT NULL,
    quantity     integer  NOT NULL,
    points       bigint   NOT NULL,
    money        bigint   NOT NULL,
    effective_on date     NOT NULL,
    properties   json     NOT NULL,
    PRIMARY KEY (partner, number, line),
    UNIQUE (shard, journal_id)
);

CREATE TABLE statement_step (
    partner     text        NOT NULL,
    number      integer     NOT NULL,
    step        smallint    NOT NULL CHECK (step >= 1),
    status      text        NOT NULL CHECK (status IN ('issued', 'accepted', 'disputed', 'settled')),
    lines       integer[]   NOT NULL,
    reason      text        NOT NULL,
    payment     text        NOT NULL,
    actor       text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (partner, number, step)
);

CREATE TABLE statement_comparison (
    partner     text        NOT NULL,
    number      integer     NOT NULL,
    result      json        NOT NULL,
    actor       text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (partner, number)
);

CREATE TABLE settlement_adjustment (
    shard        smallint    NOT NULL,
    journal_id   uuid        NOT NULL,
    member_id    uuid        NOT NULL,
    partner      text        NOT NULL,
    number       integer,
    line         integer,
    reference    text        NOT NULL,
    offer        text        NOT NULL,
    points       bigint      NOT NULL,
    money        bigint      NOT NULL,
    currency     text        NOT NULL,
    effective_on date        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    actor        text        NOT NULL,
    reason       text        NOT NULL,
    PRIMARY KEY (shard, journal_id),
    CONSTRAINT adjusts_something CHECK (points <> 0 OR money <> 0)
);

CREATE INDEX settlement_adjustment_of_partner ON settlement_adjustment (partner, effective_on);

GRANT SELECT, INSERT ON accrual, partner_deposit, statement, statement_line, statement_step, settlement_adjustment
    TO loyalty_service;
GRANT SELECT, INSERT, UPDATE ON statement_turn, statement_comparison TO loyalty_service;

CREATE TRIGGER accrual_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accrual
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER partner_deposit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON partner_deposit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_line_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_step_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER settlement_adjustment_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement_adjustment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
