-- Vouchers: codes for what was captured, what rewards give and what tiers bring, redeemed once.

CREATE TABLE voucher (
    shard         smallint    NOT NULL,
    voucher_id    uuid        NOT NULL,
    member_id     uuid        NOT NULL,
    source        text        NOT NULL CHECK (source IN ('redemption', 'reward', 'benefit')),
    redemption_id uuid,
    kind          text        NOT NULL,
    item          text        NOT NULL,
    partner       text        NOT NULL,
    number        integer     NOT NULL CHECK (number >= 1),
    transferable  boolean     NOT NULL,
    valid_from    date        NOT NULL,
    valid_to      date,
    status        text        NOT NULL CHECK (status IN ('issued', 'redeemed', 'expired', 'revoked')),
    handed_over   integer     NOT NULL CHECK (handed_over >= 0),
    holder_id     uuid,
    property      text        NOT NULL,
    journal_id    uuid        NOT NULL,
    changed_by    uuid        NOT NULL,
    code_hash     bytea       NOT NULL CHECK (octet_length(code_hash) = 32),
    changed_at    timestamptz NOT NULL,
    PRIMARY KEY (shard, voucher_id),
    UNIQUE (shard, code_hash),
    CONSTRAINT a_redemption_issues_vouchers_of_its_own CHECK ((source = 'redemption') = (redemption_id IS NOT NULL)),
    CONSTRAINT only_what_may_change_hands_does CHECK (transferable OR handed_over = 0),
    CONSTRAINT only_what_changed_hands_has_another_holder CHECK (holder_id IS NULL OR handed_over > 0)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX voucher_once ON voucher (shard, redemption_id, number) WHERE redemption_id IS NOT NULL;
CREATE INDEX voucher_of_member ON voucher (member_id, voucher_id);
CREATE INDEX voucher_of_holder ON voucher (holder_id, voucher_id) WHERE holder_id IS NOT NULL;
CREATE INDEX voucher_due ON voucher (shard, valid_to, member_id) WHERE status = 'issued' AND source <> 'reward';

CREATE INDEX member_merge_into ON member_merge (into_id) WHERE status = 'merged';

GRANT SELECT, INSERT, UPDATE ON voucher TO loyalty_service;
