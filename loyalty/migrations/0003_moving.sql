-- Points on the move: gifts, purchases, compensation, referrals, merged members, households.
ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check
    CHECK (kind IN ('enrolled', 'stay_posted', 'stay_revised', 'stay_reversed',
                    'stay_moved_out', 'stay_moved_in', 'adjusted', 'expired',
                    'transfer_sent', 'transfer_received', 'purchased',
                    'compensated', 'referral', 'status_given', 'status_ended',
                    'segments_set', 'registered', 'merged_out', 'merged_in',
                    'household_joined', 'household_left', 'tier_reviewed'));

-- What waits for a second person, and what became of it. `reply` is the answer to whoever decided, byte for byte.
CREATE TABLE approval (
    shard       smallint    NOT NULL,
    approval_id uuid        NOT NULL,
    member_id   uuid        NOT NULL,
    request     json        NOT NULL,
    proposer    uuid        NOT NULL,
    proposed_by text        NOT NULL,
    proposed_at timestamptz NOT NULL,
    status      text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'approved', 'rejected')),
    decider     uuid,
    decided_by  text,
    decided_at  timestamptz,
    journal_id  uuid,
    reply       text,
    PRIMARY KEY (shard, approval_id),
    CONSTRAINT decided_once CHECK ((status = 'open') = (decider IS NULL)),
    CONSTRAINT never_by_the_proposer CHECK (decider <> proposer),
    CONSTRAINT only_what_is_approved_posts CHECK ((status = 'approved') = (journal_id IS NOT NULL))
);

CREATE INDEX approval_by_status ON approval (status, approval_id);

-- What each API key gave as compensation on a day, or proposed to give: what its daily cap is held against.
CREATE TABLE agent_day (
    principal uuid   NOT NULL,
    day       date   NOT NULL,
    points    bigint NOT NULL CHECK (points >= 0),
    PRIMARY KEY (principal, day)
);

GRANT SELECT, INSERT, UPDATE ON approval, agent_day TO loyalty_service;

-- Who brought a new member, written with the enrolment in the newcomer's shard; settled once.
--   seen   the newcomer's version when it was last looked at: only what has changed since is looked at again
CREATE TABLE referral (
    shard       smallint NOT NULL,
    member_id   uuid     NOT NULL,
    referrer_id uuid     NOT NULL,
    status      text     NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'paid', 'capped', 'closed')),
    seen        bigint   NOT NULL DEFAULT 0,
    journal_id  uuid,
    decided_at  timestamptz,
    PRIMARY KEY (shard, member_id),
    CONSTRAINT only_what_is_paid_posts CHECK ((status = 'paid') = (journal_id IS NOT NULL)),
    CONSTRAINT nobody_refers_himself CHECK (referrer_id <> member_id)
);

CREATE INDEX referral_waiting ON referral (shard, member_id) WHERE status = 'waiting';

GRANT SELECT, INSERT, UPDATE ON referral TO loyalty_service;

-- Accounts that were merged, in the survivor's shard: what it takes to undo it.
--   first, last   the survivor's versions that the merge made      owed      what the other account owed
--   counters      what came along without a stay                   traits    what the survivor was before
CREATE TABLE member_merge (
    shard     smallint NOT NULL,
    merge_id  uuid     NOT NULL,
    member_id uuid NOT NULL,
    into_id   uuid NOT NULL,
    first     bigint NOT NULL,
    last      bigint NOT NULL CHECK (last >= first),
    owed      bigint NOT NULL CHECK (owed >= 0),
    counters  json NOT NULL,
    traits    json NOT NULL,
    status    text NOT NULL DEFAULT 'merged' CHECK (status IN ('merged', 'unmerged')),
    PRIMARY KEY (shard, merge_id),
    CONSTRAINT two_different_members CHECK (member_id <> into_id)
);

GRANT SELECT, INSERT, UPDATE ON member_merge TO loyalty_service;

-- Members who pool their points, in the shard of their head. `seats` are in the order of joining, with both consents.
-- A member's traits say in which household, so that nobody is in two.
CREATE TABLE household (
    shard        smallint NOT NULL,
    household_id uuid     NOT NULL,
    head_id      uuid     NOT NULL,
    seats        json     NOT NULL,
    status       text     NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    PRIMARY KEY (shard, household_id)
);

GRANT SELECT, INSERT, UPDATE ON household TO loyalty_service;
