-- Redemptions: points set aside for an offer, captured or given back, step by step; consent to spend them.

DROP TABLE hold;

ALTER TABLE api_key ADD COLUMN member_id uuid;

ALTER TABLE journal
    DROP CONSTRAINT journal_kind_check,
    ADD CONSTRAINT journal_kind_check CHECK (kind IN ('enrolled', 'stay_posted', 'stay_revised', 'stay_reversed', 'stay_moved_out', 'stay_moved_in',
        'adjusted', 'expired', 'transfer_sent', 'transfer_received', 'purchased', 'compensated', 'referral',
        'status_given', 'status_ended', 'segments_set', 'registered', 'merged_out', 'merged_in',
        'household_joined', 'household_left', 'tier_reviewed', 'matured', 'lapsed', 'milestone_points',
        'milestone_reversed', 'reward_chosen', 'reward_used', 'reward_expired', 'benefit_used',
        'benefit_returned', 'points_held', 'hold_extended', 'hold_captured', 'hold_released', 'hold_expired',
        'redemption_refunded', 'voucher_redeemed', 'voucher_expired', 'voucher_revoked',
        'voucher_handed_over', 'partner_accrued', 'partner_accrual_reversed', 'settlement_adjusted'));

ALTER TABLE allocation
    DROP CONSTRAINT allocation_kind_check,
    ADD CONSTRAINT allocation_kind_check CHECK (kind IN ('spend', 'expiry', 'reversal', 'repayment', 'expired_reversal',
                                                         'hold', 'release', 'refund'));

CREATE TABLE redemption (
    shard         smallint    NOT NULL,
    redemption_id uuid        NOT NULL,
    member_id     uuid        NOT NULL,
    offer         text        NOT NULL,
    offer_version integer     NOT NULL,
    partner       text        NOT NULL,
    reference     text,
    status        text        NOT NULL CHECK (status IN ('held', 'captured', 'released', 'expired', 'refunded')),
    quantity      integer     NOT NULL CHECK (quantity >= 1),
    points        bigint      NOT NULL CHECK (points >= 1),
    cash          bigint      NOT NULL CHECK (cash >= 0),
    value         bigint      NOT NULL CHECK (value >= 0),
    currency      text        NOT NULL,
    tier          text        NOT NULL,
    details       json        NOT NULL,
    draws         json        NOT NULL,
    slot          text        NOT NULL,
    venue         text        NOT NULL,
    begins        timestamptz,
    booked_on     date        NOT NULL,
    expires_at    timestamptz NOT NULL,
    captured      integer     NOT NULL DEFAULT 0 CHECK (captured >= 0),
    refunded      integer     NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    step          smallint    NOT NULL CHECK (step >= 1),
    PRIMARY KEY (shard, redemption_id),
    CONSTRAINT captures_at_most_what_it_holds CHECK (captured <= quantity),
    CONSTRAINT refunds_at_most_what_it_captured CHECK (refunded <= captured),
    CONSTRAINT only_a_capture_captures CHECK ((status IN ('captured', 'refunded')) = (captured > 0)),
    CONSTRAINT refunded_is_all_of_it CHECK ((status = 'refunded') = (captured > 0 AND refunded = captured))
) WITH (fillfactor = 80);

CREATE INDEX redemption_of_member ON redemption (shard, member_id, redemption_id);
CREATE INDEX redemption_of_partner ON redemption (partner, redemption_id);
CREATE INDEX redemption_due ON redemption (shard, expires_at) WHERE status = 'held';

CREATE TABLE redemption_step (
    shard         smallint    NOT NULL,
    redemption_id uuid        NOT NULL,
    step          smallint    NOT NULL CHECK (step >= 1),
    kind          text        NOT NULL CHECK (kind IN ('held', 'extended', 'captured', 'released', 'expired',
                                                       'refunded')),
    journal_id    uuid        NOT NULL,
    member_id     uuid        NOT NULL,
    partner       text        NOT NULL,
    quantity      integer     NOT NULL CHECK (quantity >= 0),
    points        bigint      NOT NULL CHECK (points >= 0),
    cash          bigint      NOT NULL CHECK (cash >= 0),
    value         bigint      NOT NULL CHECK (value >= 0),
    effective_on  date        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    actor         text        NOT NULL,
    reason        text        NOT NULL,
    PRIMARY KEY (shard, redemption_id, step)
);

CREATE INDEX redemption_step_of_partner ON redemption_step (partner, effective_on) WHERE kind IN ('captured', 'refunded');

CREATE TABLE partner_reference (
    partner       text     NOT NULL,
    reference     text     NOT NULL CHECK (reference <> '' AND length(reference) <= 64),
    shard         smallint NOT NULL,
    redemption_id uuid     NOT NULL,
    PRIMARY KEY (partner, reference)
);

CREATE TABLE redemption_token (
    shard         smallint    NOT NULL,
    hash          bytea       NOT NULL CHECK (octet_length(hash) = 32),
    member_id     uuid        NOT NULL,
    partner       text        NOT NULL,
    points        bigint      NOT NULL CHECK (points >= 1),
    minted_at     timestamptz NOT NULL,
    minted_by     text        NOT NULL,
    expires_at    timestamptz NOT NULL,
    redemption_id uuid,
    PRIMARY KEY (shard, hash)
);

CREATE TRIGGER redemption_step_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON redemption_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE ON redemption, redemption_token TO loyalty_service;
GRANT SELECT, INSERT ON redemption_step, partner_reference TO loyalty_service;
