-- Rewards of milestones: what each crossing gave, choices to make, and what became of them. Benefits of a tier that are
-- counted need no table: they are counted in the books.

ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check CHECK (kind IN (
    'enrolled', 'stay_posted', 'stay_revised', 'stay_reversed', 'stay_moved_out', 'stay_moved_in', 'adjusted', 'expired',
    'transfer_sent', 'transfer_received', 'purchased', 'compensated', 'referral', 'status_given', 'status_ended',
    'segments_set', 'registered', 'merged_out', 'merged_in', 'household_joined', 'household_left', 'tier_reviewed',
    'matured', 'lapsed', 'milestone_points', 'milestone_reversed', 'reward_chosen', 'reward_used', 'reward_expired',
    'benefit_used', 'benefit_returned'));

CREATE TABLE reward (
    shard      smallint    NOT NULL,
    reward_id  uuid        NOT NULL,
    member_id  uuid        NOT NULL,
    milestone  text        NOT NULL,
    period     text        NOT NULL,
    ordinal    integer     NOT NULL CHECK (ordinal >= 1),
    part       smallint    NOT NULL CHECK (part >= 1),
    program    text        NOT NULL,
    status     text        NOT NULL CHECK (status IN ('open', 'issued', 'used', 'expired', 'revoked', 'flagged')),
    kind       text        NOT NULL CHECK (kind IN ('', 'benefit', 'voucher', 'points')),
    code       text        NOT NULL,
    points     bigint      NOT NULL CHECK (points >= 0),
    granted_on date        NOT NULL,
    choose_by  date,
    valid_to   date,
    journal_id uuid        NOT NULL,
    changed_by uuid        NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (shard, reward_id),
    CONSTRAINT a_choice_is_made_by_a_day CHECK (status <> 'open' OR choose_by IS NOT NULL),
    CONSTRAINT what_is_not_open_is_something CHECK ((code = '') = (kind = '')),
    CONSTRAINT only_points_are_points CHECK ((points > 0) = (kind = 'points'))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX reward_once ON reward (shard, member_id, milestone, period, ordinal, part)
    WHERE status <> 'revoked';
CREATE INDEX reward_of_member ON reward (shard, member_id, reward_id);
CREATE INDEX reward_open ON reward (shard, member_id, choose_by) WHERE status = 'open';
CREATE INDEX reward_due ON reward (shard, (CASE status WHEN 'open' THEN choose_by + 1 ELSE valid_to END), member_id)
    WHERE status IN ('open', 'issued') AND kind <> 'points';
CREATE INDEX reward_flagged ON reward (reward_id) WHERE status = 'flagged';

GRANT SELECT, INSERT, UPDATE ON reward TO loyalty_service;
