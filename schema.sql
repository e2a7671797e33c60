-- The full current truth of the database, written to be read from top to bottom.
--
--   1. Where things live      shard, property, api_key, program_version, partner_version, offer_version
--   2. Members                member, vault.profile, member_merge, household
--   3. The ledger             journal, transfer, lot, allocation, account_delta, account_total
--   4. Stays                  stay_directory, stay_revision
--   5. Rewards                milestone_grant, reward, promotion_pool, promotion_budget, referral
--   6. Redemptions            redemption, redemption_step, partner_reference, redemption_token, voucher, accrual,
--                             partner_deposit, statement_turn, statement, statement_line, statement_step,
--                             statement_comparison, settlement_adjustment
--   7. Promises to the world  idempotency_key, approval, agent_day, outbox, expiry_warning, unsealed
--   8. What a batch hands over  batch_item, new_transfer
--   9. Who may do what        append-only walls and the service's role
--
-- Rules that hold everywhere
--   * `shard` leads every primary key on the posting path and is bound as a constant in every posting
--     statement. A member lives in shard crc32(number) mod (number of shards); every id minted for that member
--     ends in the shard. So no foreign key, sequence or unique constraint crosses a shard.
--   * Points are whole. Nights are tenths. Money is minor units of the program's currency.
--   * A row of journal, transfer, allocation, stay_revision, redemption_step, accrual, partner_deposit, statement,
--     statement_line, statement_step, settlement_adjustment, partner_version or offer_version is never changed once written.
--   * One statement writes a batch and all its parts; foreign keys on the posting path would only re-check it,
--     row by row. `loyalty verify` proves that nothing is orphaned.

-- ---------------------------------------------------------------------------------------------------------------
-- 1. Where things live
-- ---------------------------------------------------------------------------------------------------------------

-- The shards of this installation, 0 … n-1. Filled once, when the database is initialised; never changed.
CREATE TABLE shard (
    shard smallint PRIMARY KEY CHECK (shard >= 0)
);

-- A hotel. A stay's effective date is its check-out date in the property's time zone.
CREATE TABLE property (
    code       text PRIMARY KEY CHECK (code <> '' AND length(code) <= 64),
    name_en    text NOT NULL,
    name_zh    text NOT NULL,
    time_zone  text NOT NULL,
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    brand      text NOT NULL DEFAULT '' CHECK (brand ~ '^([a-z][a-z0-9_]{0,31})?$')
);

-- A caller of the API. Only the SHA-256 of the key is kept. `properties` limits a property key to some hotels,
-- `partner` a partner's key to that partner. `member_id` is the member who holds it, who gains nothing by it.
CREATE TABLE api_key (
    key_id     uuid PRIMARY KEY,
    role       text NOT NULL CHECK (role IN ('property', 'booking', 'operator', 'partner')),
    name       text NOT NULL,
    properties text[] NOT NULL DEFAULT '{}',
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    partner    text NOT NULL DEFAULT '',
    member_id  uuid,
    CONSTRAINT a_partners_key_names_the_partner CHECK ((role = 'partner') = (partner <> ''))
);

-- The program's rules as they were published, each in force from a day on until the next. `definition` is the TOML as
-- people wrote it. A version that a stay has been judged by is never changed or taken away.
CREATE TABLE program_version (
    version        integer     PRIMARY KEY CHECK (version >= 1),
    program        text        NOT NULL,
    effective_from date        NOT NULL UNIQUE,
    definition     text        NOT NULL,
    digest         bytea       NOT NULL CHECK (octet_length(digest) = 32),
    published_by   text        NOT NULL,
    published_at   timestamptz NOT NULL
);

-- Goes up by one whenever a version is published or withdrawn: each batch sees whether it still knows the rules.
CREATE TABLE program_generation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation bigint  NOT NULL
);
INSERT INTO program_generation (generation) VALUES (0);

-- Who takes points for something of its own, and what there is to be had for points. `definition` is as operators put it
-- on file; the highest version counts. A redemption names the version that it was made by.
CREATE TABLE partner_version (
    code       text        NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$' AND code <> 'hotel'),
    version    integer     NOT NULL CHECK (version >= 1),
    definition jsonb       NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    generation bigint      NOT NULL,
    changed_by text        NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);
CREATE INDEX partner_version_generation ON partner_version (generation);

CREATE TABLE offer_version (
    code       text        NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    version    integer     NOT NULL CHECK (version >= 1),
    definition jsonb       NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    generation bigint      NOT NULL,
    changed_by text        NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);
CREATE INDEX offer_version_generation ON offer_version (generation);

-- Goes up with each version of a partner or an offer, which keeps its number: whoever knows one reads what came after it.
CREATE TABLE catalogue_generation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation bigint  NOT NULL
);
INSERT INTO catalogue_generation (generation) VALUES (0);

-- ---------------------------------------------------------------------------------------------------------------
-- 2. Members
-- ---------------------------------------------------------------------------------------------------------------

-- The member row stands for the member's lots, redemptions, counters and stays: whoever changes any of them takes it to its
-- next version, which only one can do. Where that isn't enough, its row is locked.
--   version      number of journals, dense
--   available    points to spend; below zero only by what is owed after a reversal
--   debt         points owed; repaid first by later earning, so there is either debt or an open lot, never both
--   counters     per calendar year (or day, where the program needs it) and unit:
--                {"2026": {"nights": 120, "stays": 9, "spend": 1234500}}
--   next_expiry  no lot opens or expires, and nothing lapses, before this date; null when none ever does
--   traits       what the rules may know of the member besides the books: segments, birth month, given tiers …
--   tier         the tier last told; '' before anything was counted
--   review_on    the first day on which the tier may be another without anything being posted
--   pending      points earned that can't be spent yet
--   active_on    the last activity, where a rule looks at it; never set back
CREATE TABLE member (
    shard       smallint NOT NULL,
    member_id   uuid     NOT NULL,
    number      text     NOT NULL CHECK (number <> '' AND length(number) <= 32),
    status      text     NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'closed')),
    enrolled_on date     NOT NULL,
    version     bigint   NOT NULL CHECK (version >= 1),
    available   bigint   NOT NULL DEFAULT 0,
    held        bigint   NOT NULL DEFAULT 0 CHECK (held >= 0),
    debt        bigint   NOT NULL DEFAULT 0 CHECK (debt >= 0),
    counters    json     NOT NULL DEFAULT '{}' CHECK (json_typeof(counters) = 'object'),
    next_expiry date,
    traits      jsonb    NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(traits) = 'object'),
    tier        text     NOT NULL DEFAULT '',
    review_on   date,
    pending     bigint   NOT NULL DEFAULT 0 CHECK (pending >= 0),
    active_on   date,
    PRIMARY KEY (shard, member_id),
    UNIQUE (shard, number),
    CONSTRAINT only_debt_goes_below_zero CHECK (debt = greatest(0, -available))
) WITH (fillfactor = 70);

-- The nightly job looks for members with something to expire. A posting hardly ever changes this column.
CREATE INDEX member_next_expiry ON member (shard, next_expiry) WHERE next_expiry IS NOT NULL;
CREATE INDEX member_review_on ON member (shard, review_on) WHERE review_on IS NOT NULL;

-- What identifies a person, apart from the ledger. Each field is sealed with the member's own key, which is itself
-- sealed with the installation's. Destroying `sealed_key` erases the person and keeps the books.
CREATE SCHEMA vault;
CREATE TABLE vault.profile (
    shard      smallint NOT NULL,
    member_id  uuid     NOT NULL,
    sealed_key bytea,
    name       bytea,
    email      bytea,
    phone      bytea,
    birthday   bytea,
    language   bytea,
    PRIMARY KEY (shard, member_id)
);

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

-- Whose accounts were merged into one.
CREATE INDEX member_merge_into ON member_merge (into_id) WHERE status = 'merged';

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

-- ---------------------------------------------------------------------------------------------------------------
-- 3. The ledger
-- ---------------------------------------------------------------------------------------------------------------

-- One business fact and its reason.
--   effective_on  when it happened in the hotel         recorded_at  when it was written down
--   version       the member's how-manieth journal       balance      points available right after it
--   linked_id     the other half, where two members are touched
CREATE TABLE journal (
    shard        smallint    NOT NULL,
    journal_id   uuid        NOT NULL,
    member_id    uuid        NOT NULL,
    version      bigint      NOT NULL CHECK (version >= 1),
    kind         text        NOT NULL CHECK (kind IN ('enrolled', 'stay_posted', 'stay_revised', 'stay_reversed',
                                                      'stay_moved_out', 'stay_moved_in', 'adjusted', 'expired',
                                                      'transfer_sent', 'transfer_received', 'purchased',
                                                      'compensated', 'referral', 'status_given', 'status_ended',
                                                      'segments_set', 'registered', 'merged_out', 'merged_in',
                                                      'household_joined', 'household_left', 'tier_reviewed', 'matured',
                                                      'lapsed', 'milestone_points', 'milestone_reversed',
                                                      'reward_chosen', 'reward_used', 'reward_expired',
                                                      'benefit_used', 'benefit_returned', 'points_held',
                                                      'hold_extended', 'hold_captured', 'hold_released', 'hold_expired',
                                                      'redemption_refunded', 'voucher_redeemed', 'voucher_expired',
                                                      'voucher_revoked', 'voucher_handed_over', 'partner_accrued',
                                                      'partner_accrual_reversed', 'settlement_adjusted')),
    effective_on date        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    reason       text        NOT NULL,
    actor        text        NOT NULL,
    stay_id      uuid,
    linked_id    uuid,
    balance      bigint      NOT NULL,
    PRIMARY KEY (shard, journal_id),
    UNIQUE (shard, member_id, version)
);

-- Double entry: one debit account, one credit account, one unit, one amount. So all accounts of a unit always sum to
-- zero. The member's accounts are `available`, `pending`, `held` and, for what is counted, `counted`; all others are the
-- program's.
--   line   1, 2, 3 … within the journal
--   kind   base, tier_bonus, promotion:<code>, milestone, count, maturity, expiry, adjustment, transit, transfer, purchase,
--          compensation, referral, merge, hold, capture, release, refund, accrual, settlement
CREATE TABLE transfer (
    shard        smallint NOT NULL,
    journal_id   uuid     NOT NULL,
    line         smallint NOT NULL CHECK (line >= 1),
    unit         text     NOT NULL,
    kind         text     NOT NULL,
    debit        text     NOT NULL,
    credit       text     NOT NULL,
    amount       bigint   NOT NULL CHECK (amount > 0),
    effective_on date     NOT NULL,
    PRIMARY KEY (shard, journal_id, line),
    CONSTRAINT two_different_accounts CHECK (debit <> credit)
);

-- Points earned together that expire together, known by the journal that earned them; spent first-to-expire first.
-- A lot can be spent before `expires_on`, and no more from that date on.
--   opens_on    the day from which it can be spent; null: at once
--   pending     it hasn't opened yet, or that isn't written down yet
--   lapsed_on   the day on which it was lost to inactivity, rather than on `expires_on`
CREATE TABLE lot (
    shard      smallint NOT NULL,
    lot_id     uuid     NOT NULL,
    member_id  uuid     NOT NULL,
    amount     bigint   NOT NULL CHECK (amount > 0),
    remaining  bigint   NOT NULL CHECK (remaining >= 0),
    expired    bigint   NOT NULL DEFAULT 0 CHECK (expired >= 0),
    earned_on  date     NOT NULL,
    expires_on date,
    opens_on   date,
    pending    boolean  NOT NULL DEFAULT false,
    lapsed_on  date,
    PRIMARY KEY (shard, lot_id),
    CONSTRAINT never_more_than_it_began_with CHECK (remaining + expired <= amount),
    CONSTRAINT expires_after_it_was_earned CHECK (expires_on > earned_on),
    CONSTRAINT opens_before_it_can_be_spent CHECK (NOT pending OR opens_on IS NOT NULL)
) WITH (fillfactor = 80);

-- All that a balance shows of a member's lots, side by side: a read touches one or two pages however scattered they are.
CREATE INDEX lot_open ON lot (shard, member_id, expires_on, lot_id) INCLUDE (remaining) WHERE remaining > 0;
-- Few lots are pending, and in most programs none.
CREATE INDEX lot_pending ON lot (shard, member_id, opens_on) WHERE pending AND remaining > 0;

-- What a journal took from which lot. Each spend, expiry and reversal equals the sum of its allocations, but for what
-- a reversal could only take as debt.
--   spend            a redemption or a debit            expiry            the lot's time was up
--   reversal         earning undone                     repayment         a new lot repays debt
--   expired_reversal earning undone that had already expired: taken back from the `expired` account
--   hold             set aside for a redemption        release, refund   given back to the lot, as far as it goes
CREATE TABLE allocation (
    shard      smallint NOT NULL,
    journal_id uuid     NOT NULL,
    lot_id     uuid     NOT NULL,
    kind       text     NOT NULL CHECK (kind IN ('spend', 'expiry', 'reversal', 'repayment', 'expired_reversal',
                                                   'hold', 'release', 'refund')),
    amount     bigint   NOT NULL CHECK (amount > 0),
    PRIMARY KEY (shard, journal_id, lot_id, kind)
);

CREATE INDEX allocation_of_lot ON allocation (shard, lot_id);

-- The program's accounts are never locked: each batch adds what it moved, and a job folds the deltas into totals.
-- Credits count up, debits down.
CREATE TABLE account_delta (
    shard   smallint NOT NULL,
    account text     NOT NULL,
    unit    text     NOT NULL,
    amount  bigint   NOT NULL
);

CREATE TABLE account_total (
    shard   smallint NOT NULL,
    account text     NOT NULL,
    unit    text     NOT NULL,
    amount  bigint   NOT NULL,
    PRIMARY KEY (shard, account, unit)
);

-- The one place to read a program account's balance: what is folded and what is not yet.
CREATE VIEW account_balance AS
SELECT account, unit, sum(amount)::bigint AS amount
FROM (SELECT account, unit, amount FROM account_total
      UNION ALL
      SELECT account, unit, amount FROM account_delta) AS parts
GROUP BY account, unit;

-- ---------------------------------------------------------------------------------------------------------------
-- 4. Stays
-- ---------------------------------------------------------------------------------------------------------------

-- Where the stay with this natural key lives. The one table of the posting path that is not sharded by member: it
-- makes the key unique everywhere.
CREATE TABLE stay_directory (
    source    text     NOT NULL,
    property  text     NOT NULL,
    stay_ref  text     NOT NULL,
    leg       smallint NOT NULL,
    shard     smallint NOT NULL,
    member_id uuid     NOT NULL,
    stay_id   uuid     NOT NULL,
    PRIMARY KEY (property, stay_ref, leg, source)
);

-- A natural key as a posting names it, with the revision it states, if any.
CREATE TYPE stay_key AS (
    source   text,
    property text,
    stay_ref text,
    leg      smallint,
    revision integer
);

-- All that was ever said about a stay, and what we answered. The highest revision is what holds now.
--   snapshot   the posting as it was understood
--   award      what the stay stands for in the books after this revision
--   reply      the answer, byte for byte
--   journal_id the journal it caused; null when nothing moved
CREATE TABLE stay_revision (
    shard       smallint    NOT NULL,
    stay_id     uuid        NOT NULL,
    revision    integer     NOT NULL CHECK (revision >= 0),
    member_id   uuid        NOT NULL,
    outcome     text        NOT NULL CHECK (outcome IN ('posted', 'revised', 'reversed', 'unchanged', 'superseded',
                                                        'moved')),
    snapshot    json        NOT NULL,
    award       json        NOT NULL,
    reply       json        NOT NULL,
    journal_id  uuid,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, stay_id, revision)
);

-- ---------------------------------------------------------------------------------------------------------------
-- 5. Rewards
-- ---------------------------------------------------------------------------------------------------------------

-- A milestone is granted once per crossing. `ordinal` 2 of "every 10 stays" is the 20th stay. `period` is the calendar
-- year of a milestone that begins anew each year, else empty.
CREATE TABLE milestone_grant (
    shard      smallint    NOT NULL,
    member_id  uuid        NOT NULL,
    milestone  text        NOT NULL,
    ordinal    integer     NOT NULL CHECK (ordinal >= 1),
    status     text        NOT NULL CHECK (status IN ('granted', 'revoked')),
    journal_id uuid        NOT NULL,
    changed_at timestamptz NOT NULL,
    period     text        NOT NULL DEFAULT '',
    PRIMARY KEY (shard, member_id, milestone, period, ordinal)
);

-- What a crossing gave: one row for each thing, of a choice of several so many `part`s. Revoked when the crossing is
-- undone, so that crossing again gives anew; what was used by then is flagged for the staff instead, and stays.
--   program     the version that says what there is to choose
--   status      open: a choice is to be made      issued, used, expired, revoked, flagged
--   kind, code  what it is; empty while it is open
--   choose_by   the last day to choose            valid_to    the first day it can't be used any more
--   journal_id  gave it; of points, whose lot they are        changed_by  changed it last
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

-- However many post at once: a crossing gives each part once.
CREATE UNIQUE INDEX reward_once ON reward (shard, member_id, milestone, period, ordinal, part)
    WHERE status <> 'revoked';
CREATE INDEX reward_of_member ON reward (shard, member_id, reward_id);
-- A balance tells of choices to make.
CREATE INDEX reward_open ON reward (shard, member_id, choose_by) WHERE status = 'open';
-- The nightly job looks for choices that nobody made in time, and for what can't be used any more.
CREATE INDEX reward_due ON reward (shard, (CASE status WHEN 'open' THEN choose_by + 1 ELSE valid_to END), member_id)
    WHERE status IN ('open', 'issued') AND kind <> 'points';
CREATE INDEX reward_flagged ON reward (reward_id) WHERE status = 'flagged';

-- What a promotion may give to all members together; or, under `stock:<offer>` with the day or time behind a slash, how
-- many of an offer there are. A shard leases some of it, so that postings of different shards
-- never wait for each other, and together never give more than the budget. Under `fund:<partner>` what a partner paid
-- before, and under `accruals:<partner>/<day>` what it may give on a day: nothing of these is leased ahead.
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

-- ---------------------------------------------------------------------------------------------------------------
-- 6. Redemptions
-- ---------------------------------------------------------------------------------------------------------------

-- A member's claim on an offer. While it is `held` its points are on the member's account `held`, taken from lots;
-- captured, they are the partner's; what is released, expired or refunded went back to the same lots. It resolves once.
--   partner       `hotel` for the hotel's own offers; `reference` is the partner's own name for it
--   quantity      how many; `points`, `cash` and `value` are for all of them, the latter two in minor units of `currency`
--   tier          the member's, by which it was priced
--   details       what it is for, as the offer's kind asks; `slot` the day or time under which it is kept
--   draws         what it took of which budgets of stock
--   captured, refunded   how many of them
--   step          how often something has happened to it
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
-- Partners look at their own.
CREATE INDEX redemption_of_partner ON redemption (partner, redemption_id);
-- The job looks for holds whose time is up.
CREATE INDEX redemption_due ON redemption (shard, expires_at) WHERE status = 'held';

-- What happened to a redemption, step by step: never changed. Its journal tells which lots.
--   quantity, points, cash, value   of this step alone; what a partial capture leaves goes back in the same step
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

-- Statements of partners take what was captured and refunded.
CREATE INDEX redemption_step_of_partner ON redemption_step (partner, effective_on) WHERE kind IN ('captured', 'refunded');

-- A partner's own reference leads to one redemption. Like the directory of stays it isn't sharded by member.
CREATE TABLE partner_reference (
    partner       text     NOT NULL,
    reference     text     NOT NULL CHECK (reference <> '' AND length(reference) <= 64),
    shard         smallint NOT NULL,
    redemption_id uuid     NOT NULL,
    PRIMARY KEY (partner, reference)
);

-- Consent: what a signed-in member lets one partner spend, once, up to some points, for minutes. Only its hash is kept.
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

-- What somebody is entitled to, by a code: of a captured redemption one for each unit, of a reward one, of a benefit of the
-- tier one for each use that asks for it. It is redeemed once, or expires, or is revoked.
--   member_id    whose it was first: what happens to it is a journal of that member
--   redemption_id   what it was issued by; that of a reward has the reward's own id
--   kind, item   what it is for: kind and code of an offer, a reward or a benefit; `number` which one of several
--   valid_to     the first day it can't be used any more; null: without end
--   handed_over  how many new codes it was given; `holder_id` the member it went to, null: whoever holds the code
--   giver_id     whose it was last before it went to whoever holds the code: that member's key doesn't redeem it
--   property     where it was redeemed, if at a hotel
--   journal_id   issued it          changed_by   changed it last
--   code_hash    SHA-256 of the code: the code follows from id and `handed_over` by the service's key, and isn't kept
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
    giver_id      uuid,
    PRIMARY KEY (shard, voucher_id),
    UNIQUE (shard, code_hash),
    CONSTRAINT a_redemption_issues_vouchers_of_its_own CHECK ((source = 'redemption') = (redemption_id IS NOT NULL)),
    CONSTRAINT only_what_may_change_hands_does CHECK (transferable OR handed_over = 0),
    CONSTRAINT only_what_changed_hands_has_another_holder CHECK (holder_id IS NULL OR handed_over > 0),
    CONSTRAINT only_what_is_nobodys_has_a_giver CHECK (giver_id IS NULL OR (holder_id IS NULL AND handed_over > 0))
) WITH (fillfactor = 80);

-- However often a capture is tried: a redemption gives each of its units once.
CREATE UNIQUE INDEX voucher_once ON voucher (shard, redemption_id, number) WHERE redemption_id IS NOT NULL;
CREATE INDEX voucher_of_member ON voucher (member_id, voucher_id);
CREATE INDEX voucher_of_holder ON voucher (holder_id, voucher_id) WHERE holder_id IS NOT NULL;
-- The job looks for vouchers whose time is up; those of rewards go with the rewards.
CREATE INDEX voucher_due ON voucher (shard, valid_to, member_id) WHERE status = 'issued' AND source <> 'reward';

-- Points that a partner gave, and those that it took back: one row for each, never changed. The partner's reference is
-- unique among what it gave.
--   money     what the partner owes for it in minor units of `currency`; nothing where it was paid before (`prepaid`)
--   what      what it was for; `reason` is also in the journal
--   booked_on the program's day of recording, of which the caps are
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

-- What a partner paid before for points that it is to give. They are the budget `fund:<partner>`.
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

-- How many statements a partner has: whoever issues one locks the row.
CREATE TABLE statement_turn (
    partner text    PRIMARY KEY,
    issued  integer NOT NULL CHECK (issued >= 0)
);

-- A partner's statement of a month, numbered without gaps, never changed. Each line is one thing that happened, of that
-- month or of an earlier one that was closed by then.
--   points, money   what the hotel owes the partner: below zero what the partner owes
--   hash            SHA-256 of the statement as CSV
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

-- `journal_id` is the thing that happened, so it is on one statement only; `entry` its id and `reference` the partner's,
-- `properties` the points by the hotel where they were earned.
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

-- What became of a statement; its status is that of the last step. `lines` are those in dispute.
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

-- The newest comparison of a statement with the partner's own file.
CREATE TABLE statement_comparison (
    partner     text        NOT NULL,
    number      integer     NOT NULL,
    result      json        NOT NULL,
    actor       text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (partner, number)
);

-- How a dispute was resolved: what a partner is owed more (below zero: less) than was stated. The journal is in the book
-- of the member whom it was about. `number` is the statement of the `line`; none for what is on none yet.
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

-- ---------------------------------------------------------------------------------------------------------------
-- 7. Promises to the world
-- ---------------------------------------------------------------------------------------------------------------

-- A key has one outcome, for good: the reply is kept byte for byte, refusals included.
CREATE TABLE idempotency_key (
    principal   uuid        NOT NULL,
    key         text        NOT NULL CHECK (key <> '' AND length(key) <= 255),
    fingerprint bytea       NOT NULL CHECK (octet_length(fingerprint) = 32),
    status      smallint    NOT NULL,
    reply       text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);

-- What waits for a second person, and what became of it. `request` is what is proposed, in the words of its `kind`;
-- `reply` the answer to whoever decided, byte for byte.
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
    kind        text        NOT NULL DEFAULT 'compensation' CHECK (kind IN ('compensation', 'settlement_adjustment')),
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

-- What others are told, written with the fact itself. A delivery takes rows it can see and deletes them.
CREATE TABLE outbox (
    shard       smallint    NOT NULL,
    event_id    uuid        NOT NULL,
    type        text        NOT NULL,
    member_id   uuid        NOT NULL,
    journal_id  uuid        NOT NULL,
    payload     json        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (shard, event_id)
);

-- The days of which a shard's members have been warned of points that they are about to lose, written with the warnings:
-- so each is in the outbox once, whoever runs the job and however often.
CREATE TABLE expiry_warning (
    shard smallint NOT NULL,
    day   date     NOT NULL,
    PRIMARY KEY (shard, day)
);

-- Journals that wait to be sealed into the transparency log, each with the hash of what was written.
CREATE TABLE unsealed (
    shard      smallint NOT NULL,
    journal_id uuid     NOT NULL,
    leaf       bytea    NOT NULL CHECK (octet_length(leaf) = 32),
    PRIMARY KEY (shard, journal_id)
);

-- ---------------------------------------------------------------------------------------------------------------
-- 8. What a batch hands over
-- ---------------------------------------------------------------------------------------------------------------

-- A journal with all that is written beside it. Any part may be missing, the journal too: a revision that moves nothing
-- has none.
CREATE TYPE batch_item AS (
    member_id      uuid,
    journal_id     uuid,
    version        bigint,
    kind           text,
    effective_on   date,
    reason         text,
    actor          text,
    stay_id        uuid,
    linked_id      uuid,
    balance        bigint,
    leaf           bytea,
    -- The lot that it earned; it goes by the journal's id and is earned on its day.
    lot_amount     bigint,
    lot_remaining  bigint,
    lot_expired    bigint,
    lot_expires_on date,
    -- The first that others are told of it; it goes by the journal's id.
    event_type     text,
    event_payload  json,
    -- The revision of the stay, and of a new stay the natural key that leads to it from now on.
    revision       integer,
    outcome        text,
    snapshot       json,
    award          json,
    reply          json,
    source         text,
    property       text,
    stay_ref       text,
    leg            smallint,
    -- What the member comes to, beside version and balance.
    held           bigint,
    debt           bigint,
    counters       json,
    next_expiry    date,
    tier           text,
    review_on      date,
    traits         jsonb,
    pending        bigint,
    active_on      date,
    -- The rest of the lot that it earned.
    lot_opens_on   date,
    lot_pending    boolean
);

CREATE TYPE new_transfer AS (
    journal_id   uuid,
    line         smallint,
    unit         text,
    kind         text,
    debit        text,
    credit       text,
    amount       bigint,
    effective_on date
);

-- ---------------------------------------------------------------------------------------------------------------
-- 9. Who may do what
-- ---------------------------------------------------------------------------------------------------------------

-- First wall: the service connects as `loyalty_service`, which can only add to the books.
GRANT USAGE ON SCHEMA public, vault TO loyalty_service;
GRANT SELECT, INSERT ON journal, transfer, allocation, stay_revision, idempotency_key, shard TO loyalty_service;
GRANT SELECT, INSERT, UPDATE ON member, lot, stay_directory, milestone_grant, property, api_key, approval,
    agent_day, referral, member_merge, household
    TO loyalty_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON account_delta, account_total, outbox, unsealed, vault.profile
    TO loyalty_service;
GRANT SELECT ON account_balance TO loyalty_service;
GRANT SELECT, INSERT ON expiry_warning, partner_version, offer_version TO loyalty_service;
GRANT SELECT, INSERT, DELETE ON program_version TO loyalty_service;
GRANT SELECT, UPDATE ON program_generation, catalogue_generation TO loyalty_service;
GRANT SELECT, INSERT, UPDATE ON reward, promotion_pool, promotion_budget TO loyalty_service;
GRANT SELECT, INSERT, UPDATE ON redemption, redemption_token, voucher TO loyalty_service;
GRANT SELECT, INSERT ON redemption_step, partner_reference TO loyalty_service;
GRANT SELECT, INSERT ON accrual, partner_deposit, statement, statement_line, statement_step, settlement_adjustment
    TO loyalty_service;
GRANT SELECT, INSERT, UPDATE ON statement_turn, statement_comparison TO loyalty_service;

-- Second wall: whoever owns the tables is stopped too, unless the trigger is first taken away in plain sight.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON allocation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stay_revision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stay_revision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER partner_version_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON partner_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER redemption_step_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON redemption_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_version_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offer_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
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
