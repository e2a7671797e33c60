-- Programs as data: versions with the day they come into force, budgets of promotions, tiers as last told.

CREATE TABLE program_version (
    version        integer     PRIMARY KEY CHECK (version >= 1),
    program        text        NOT NULL,
    effective_from date        NOT NULL UNIQUE,
    definition     text        NOT NULL,
    digest         bytea       NOT NULL CHECK (octet_length(digest) = 32),
    published_by   text        NOT NULL,
    published_at   timestamptz NOT NULL
);

CREATE TABLE program_generation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation bigint  NOT NULL
);
INSERT INTO program_generation (generation) VALUES (0);

ALTER TABLE property ADD COLUMN brand text NOT NULL DEFAULT '' CHECK (brand ~ '^([a-z][a-z0-9_]{0,31})?$');

ALTER TABLE member
    ADD COLUMN traits    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(traits) = 'object'),
    ADD COLUMN tier      text  NOT NULL DEFAULT '',
    ADD COLUMN review_on date;
CREATE INDEX member_review_on ON member (shard, review_on) WHERE review_on IS NOT NULL;
-- Whoever has something counted is told the tier, and the day it is certain until, at the next review.
UPDATE member SET review_on = '1970-01-01' WHERE counters <> '{}';

ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check CHECK (kind IN (
    'enrolled', 'stay_posted', 'stay_revised', 'stay_reversed', 'stay_moved_out', 'stay_moved_in', 'adjusted',
    'expired', 'tier_reviewed'));

ALTER TABLE milestone_grant ADD COLUMN period text NOT NULL DEFAULT '';
ALTER TABLE milestone_grant DROP CONSTRAINT milestone_grant_pkey;
ALTER TABLE milestone_grant ADD PRIMARY KEY (shard, member_id, milestone, period, ordinal);

CREATE TABLE promotion_pool (
    promotion text   PRIMARY KEY,
    budget    bigint NOT NULL CHECK (budget >= 0),
    leased    bigint NOT NULL DEFAULT 0 CHECK (leased >= 0),
    CONSTRAINT leases_at_most_the_budget CHECK (leased <= budget)
);

CREATE TABLE promotion_budget (
    shard     smallint NOT NULL,
    promotion text     NOT NULL,
    allotted  bigint   NOT NULL CHECK (allotted >= 0),
    used      bigint   NOT NULL CHECK (used >= 0),
    PRIMARY KEY (shard, promotion),
    CONSTRAINT gives_at_most_what_is_allotted CHECK (used <= allotted)
);

ALTER TYPE batch_item ADD ATTRIBUTE tier text, ADD ATTRIBUTE review_on date, ADD ATTRIBUTE traits jsonb;

GRANT SELECT, INSERT, DELETE ON program_version TO loyalty_service;
GRANT SELECT, UPDATE ON program_generation TO loyalty_service;
GRANT SELECT, INSERT, UPDATE ON promotion_pool, promotion_budget TO loyalty_service;
