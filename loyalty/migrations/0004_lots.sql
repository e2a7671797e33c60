-- Points that open some days after they were earned, points that lapse by inactivity, and warnings before they are lost.

ALTER TABLE member
    ADD COLUMN pending   bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
    ADD COLUMN active_on date;

ALTER TABLE lot
    ADD COLUMN opens_on  date,
    ADD COLUMN pending   boolean NOT NULL DEFAULT false,
    ADD COLUMN lapsed_on date,
    ADD CONSTRAINT opens_before_it_can_be_spent CHECK (NOT pending OR opens_on IS NOT NULL);

CREATE INDEX lot_pending ON lot (shard, member_id, opens_on) WHERE pending AND remaining > 0;

ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check
    CHECK (kind IN ('enrolled', 'stay_posted', 'stay_revised', 'stay_reversed',
                    'stay_moved_out', 'stay_moved_in', 'adjusted', 'expired',
                    'transfer_sent', 'transfer_received', 'purchased',
                    'compensated', 'referral', 'status_given', 'status_ended',
                    'segments_set', 'registered', 'merged_out', 'merged_in',
                    'household_joined', 'household_left', 'tier_reviewed', 'matured',
                    'lapsed'));

CREATE TABLE expiry_warning (
    shard smallint NOT NULL,
    day   date     NOT NULL,
    PRIMARY KEY (shard, day)
);

GRANT SELECT, INSERT ON expiry_warning TO loyalty_service;

ALTER TYPE batch_item
    ADD ATTRIBUTE pending bigint, ADD ATTRIBUTE active_on date,
    ADD ATTRIBUTE lot_opens_on date, ADD ATTRIBUTE lot_pending boolean;
