-- What a batch of commands reads and writes. Where rows of one shard are meant, $1 is the shard.
-- Lists of rows come as one parameter of a row type, a table's own as a rule: half the cost of a list per column, and
-- easier to read.
-- Each look-up is a LATERAL of its own; where several indexes have some of its key, by a BETWEEN in the order of the right
-- one: so it goes by its key, whatever the planner thinks of a table.

-- name: lock_members
-- Lock the members of a batch, named by id or by number, in the order of their ids. What they are is read afterwards:
-- a wait for a lock doesn't refresh what a statement sees.
SELECT
FROM member AS m
WHERE m.shard = $1
  AND m.member_id = ANY (ARRAY(SELECT unnest($2::uuid[])
                               UNION ALL
                               SELECT n.member_id FROM member AS n WHERE n.shard = $1 AND n.number = ANY ($3::text[])))
ORDER BY m.member_id
FOR NO KEY UPDATE OF m;

-- name: read_facts
-- For each command, in order: the member it names, by id or by number, and what is on file for the stay it names: the
-- highest revision, and the one that the posting states. The stay may live in another shard than the poster's.
-- Each row tells the generation of the program's versions. Where a command has an idempotency key: its outcome, if it
-- has one already.
SELECT (SELECT generation FROM program_generation WHERE only_row), m.member_id, m.number, m.status,
       m.enrolled_on, m.version, m.available, m.held, m.debt, m.counters, m.next_expiry, m.traits, m.tier, m.review_on,
       m.pending, m.active_on
-- section stays
       , d.shard, d.member_id, d.stay_id, head.revision, head.snapshot, head.award, head.reply, same.snapshot, same.reply
-- section keys
       , k.fingerprint, k.status, k.reply
-- end of sections
FROM unnest($2::uuid[], $3::text[], $4::stay_key[]) WITH ORDINALITY
         AS w (member_id, number, source, property, stay_ref, leg, revision, place)
LEFT JOIN LATERAL ((SELECT * FROM member AS n
                    WHERE n.shard = $1 AND n.member_id BETWEEN w.member_id AND w.member_id ORDER BY n.member_id)
                   UNION ALL
                   SELECT * FROM member AS n WHERE n.shard = $1 AND n.number = w.number
                   LIMIT 1) AS m ON true
-- section stays
LEFT JOIN LATERAL (SELECT e.shard, e.member_id, e.stay_id
                   FROM stay_directory AS e
                   WHERE e.property = w.property AND e.stay_ref = w.stay_ref AND e.leg = w.leg AND e.source = w.source
                   LIMIT 1) AS d ON true
LEFT JOIN LATERAL (SELECT r.revision, r.snapshot, r.award, r.reply
                   FROM stay_revision AS r
                   WHERE r.shard = d.shard AND r.stay_id = d.stay_id
                   ORDER BY r.revision DESC LIMIT 1) AS head ON true
LEFT JOIN LATERAL (SELECT r.snapshot, r.reply
                   FROM stay_revision AS r
                   WHERE r.shard = d.shard AND r.stay_id = d.stay_id AND r.revision = w.revision
                   LIMIT 1) AS same ON true
-- section keys
LEFT JOIN LATERAL (SELECT e.fingerprint, e.status, e.reply
                   FROM idempotency_key AS e
                   WHERE e.principal = ($5::uuid[])[w.place] AND e.key = ($6::text[])[w.place]
                   LIMIT 1) AS k ON true
-- end of sections
ORDER BY w.place;

-- name: count_by_day
-- What was counted of members, by unit and day; of a promotion its points.
SELECT j.member_id, CASE t.unit WHEN 'points' THEN t.kind ELSE t.unit END AS counted, t.effective_on,
       sum(CASE WHEN t.credit IN ('available', 'pending', 'counted') THEN t.amount ELSE -t.amount END)::bigint
FROM journal AS j
CROSS JOIN LATERAL (SELECT * FROM transfer AS e WHERE e.shard = $1 AND e.journal_id = j.journal_id OFFSET 0) AS t
WHERE j.shard = $1 AND j.member_id = ANY ($2::uuid[])
  AND ('counted' IN (t.debit, t.credit) OR t.kind LIKE 'promotion:%')
GROUP BY j.member_id, counted, t.effective_on;

-- name: find_strays
-- Which of these postings (by place) name a stay that is on file with another member than they say.
SELECT w.place
FROM unnest($1::stay_key[], $2::text[]) WITH ORDINALITY
         AS w (source, property, stay_ref, leg, revision, member, place)
CROSS JOIN LATERAL (SELECT * FROM stay_directory AS e
                    WHERE e.property = w.property AND e.stay_ref = w.stay_ref AND e.leg = w.leg AND e.source = w.source
                    LIMIT 1) AS d
CROSS JOIN LATERAL (SELECT * FROM member AS e
                    WHERE e.shard = d.shard AND e.member_id BETWEEN d.member_id AND d.member_id
                    ORDER BY e.member_id LIMIT 1) AS m
WHERE m.number <> w.member AND 'mem_' || replace(m.member_id::text, '-', '') <> w.member;

-- name: find_keys
-- The outcomes that idempotency keys already have.
SELECT k.principal, k.key, k.fingerprint, k.status, k.reply
FROM unnest($1::uuid[], $2::text[]) AS w (principal, key)
CROSS JOIN LATERAL (SELECT * FROM idempotency_key AS e
                    WHERE e.principal = w.principal AND e.key = w.key LIMIT 1) AS k;

-- name: find_lots
-- For each member: the lots that are due, to open or to expire ($4 is today), and of the others that are open the first
-- to expire that together hold what is needed; all of them, pending ones too, where more is needed than anybody has.
SELECT o.lot_id, o.member_id, o.amount, o.remaining, o.expired, o.earned_on, o.expires_on, o.opens_on, o.pending,
       o.lapsed_on
FROM unnest($2::uuid[], $3::bigint[]) AS w (member_id, need)
CROSS JOIN LATERAL (
    SELECT l.*,
           sum(CASE WHEN l.expires_on <= $4::date OR l.pending THEN 0 ELSE l.remaining END)
               OVER (ORDER BY l.expires_on NULLS LAST, l.lot_id) - l.remaining AS before
    FROM lot AS l
    WHERE l.shard = $1 AND l.member_id = w.member_id AND l.remaining > 0) AS o
WHERE o.expires_on <= $4::date
   OR CASE WHEN o.pending THEN o.opens_on <= $4::date OR w.need >= 1::bigint << 62 ELSE o.before < w.need END;

-- name: find_own_lots
-- The lots that stays have earned, open or not.
SELECT r.stay_id, l.lot_id, l.member_id, l.amount, l.remaining, l.expired, l.earned_on, l.expires_on, l.opens_on,
       l.pending, l.lapsed_on
FROM stay_revision AS r
CROSS JOIN LATERAL (SELECT * FROM lot AS e WHERE e.shard = $1 AND e.lot_id = r.journal_id LIMIT 1) AS l
WHERE r.shard = $1 AND r.stay_id = ANY ($2::uuid[]);

-- name: find_following
-- When the first lot of each member that isn't due opens or expires.
SELECT w.member_id,
       least((SELECT min(l.expires_on) FROM lot AS l
              WHERE l.shard = $1 AND l.member_id = w.member_id AND l.remaining > 0 AND l.expires_on > $3::date),
             (SELECT min(l.opens_on) FROM lot AS l
              WHERE l.shard = $1 AND l.member_id = w.member_id AND l.remaining > 0 AND l.pending
                AND l.opens_on > $3::date)) AS following
FROM unnest($2::uuid[]) AS w (member_id);

-- name: write_books
-- All that a batch leaves behind, recorded at $2, in one statement: it is its own transaction, unless it is part of one.
-- A member that somebody else has changed since it was read already has a journal of this version, and the statement
-- fails. So it does when the program's versions are others than those of the generation $6, if that is given: the
-- journals then have no shard. Sections that a batch has nothing for are left out.
WITH items AS MATERIALIZED (
    SELECT * FROM unnest($3::batch_item[])
), journals AS (
    INSERT INTO journal
    SELECT (SELECT $1::smallint FROM program_generation WHERE only_row AND generation = coalesce($6, generation)),
           journal_id, member_id, version, kind, effective_on, $2::timestamptz, reason, actor, stay_id, linked_id, balance
    FROM items WHERE journal_id IS NOT NULL
), leaves AS (
    INSERT INTO unsealed SELECT $1, journal_id, leaf FROM items WHERE journal_id IS NOT NULL
), lots AS (
    INSERT INTO lot
    SELECT $1, journal_id, member_id, lot_amount, lot_remaining, lot_expired, effective_on, lot_expires_on,
           lot_opens_on, lot_pending
    FROM items WHERE lot_amount IS NOT NULL
), events AS (
    INSERT INTO outbox
    SELECT $1, journal_id, event_type, member_id, journal_id, event_payload, $2::timestamptz
    FROM items WHERE event_type IS NOT NULL
), revisions AS (
    INSERT INTO stay_revision
    SELECT $1, stay_id, revision, member_id, outcome, snapshot, award, reply, journal_id, $2::timestamptz
    FROM items WHERE revision IS NOT NULL
), directory AS (
    INSERT INTO stay_directory
    SELECT source, property, stay_ref, leg, $1, member_id, stay_id
    FROM items WHERE source IS NOT NULL
), transfers AS (
    INSERT INTO transfer SELECT $1, t.* FROM unnest($4::new_transfer[]) AS t
), deltas AS (
    INSERT INTO account_delta SELECT * FROM unnest($5::account_delta[])
-- section draws
), drawn AS (
    UPDATE lot AS l
    SET remaining = n.remaining, expired = n.expired, pending = n.pending, lapsed_on = n.lapsed_on
    FROM unnest($7::lot[]) AS n
    WHERE l.shard = $1 AND l.lot_id = n.lot_id
), allocations AS (
    INSERT INTO allocation SELECT * FROM unnest($8::allocation[])
-- section keys
), keys AS (
    INSERT INTO idempotency_key SELECT * FROM unnest($9::idempotency_key[])
-- section crossings
), grants AS (
    INSERT INTO milestone_grant SELECT * FROM unnest($10::milestone_grant[])
    ON CONFLICT (shard, member_id, milestone, period, ordinal) DO UPDATE
    SET status = excluded.status, journal_id = excluded.journal_id, changed_at = excluded.changed_at
), further_events AS (
    INSERT INTO outbox SELECT * FROM unnest($11::outbox[])
-- section budgets
), budgets AS (
    UPDATE promotion_budget AS b SET used = b.used + u.used
    FROM unnest($12::promotion_budget[]) AS u
    WHERE b.shard = $1 AND b.promotion = u.promotion
-- section enrolments
), profiles AS (
    INSERT INTO vault.profile SELECT * FROM unnest($13::vault.profile[])
), enrolled AS (
    INSERT INTO member SELECT * FROM unnest($14::member[])
), referrals AS (
    INSERT INTO referral SELECT * FROM unnest($15::referral[])
-- section rewards
), rewards AS (
    INSERT INTO reward SELECT * FROM unnest($16::reward[])
    ON CONFLICT (shard, reward_id) DO UPDATE
    SET status = excluded.status, kind = excluded.kind, code = excluded.code, points = excluded.points,
        valid_to = excluded.valid_to, journal_id = excluded.journal_id, changed_by = excluded.changed_by,
        changed_at = excluded.changed_at
-- section redemptions
), redemptions AS (
    INSERT INTO redemption SELECT * FROM unnest($17::redemption[])
    ON CONFLICT (shard, redemption_id) DO UPDATE
    SET status = excluded.status, expires_at = excluded.expires_at, captured = excluded.captured,
        refunded = excluded.refunded, step = excluded.step
), steps AS (
    INSERT INTO redemption_step SELECT * FROM unnest($18::redemption_step[])
-- section references
), partner_references AS (
    INSERT INTO partner_reference SELECT * FROM unnest($19::partner_reference[])
-- section tokens
), tokens AS (
    INSERT INTO redemption_token SELECT * FROM unnest($20::redemption_token[])
    ON CONFLICT (shard, hash) DO UPDATE SET redemption_id = excluded.redemption_id
-- section vouchers
), vouchers AS (
    INSERT INTO voucher AS v SELECT * FROM unnest($21::voucher[])
    ON CONFLICT (shard, voucher_id) DO UPDATE
    SET status = excluded.status, handed_over = excluded.handed_over, holder_id = excluded.holder_id,
        giver_id = excluded.giver_id,
        property = CASE excluded.property WHEN '' THEN v.property ELSE excluded.property END,
        changed_by = excluded.changed_by, code_hash = excluded.code_hash, changed_at = excluded.changed_at
-- section accruals
), accruals AS (
    INSERT INTO accrual SELECT * FROM unnest($22::accrual[])
-- end of sections
)
UPDATE member AS m
SET version = i.version, available = i.balance, held = i.held, debt = i.debt, counters = i.counters,
    next_expiry = i.next_expiry, tier = i.tier, review_on = i.review_on, traits = i.traits,
    pending = i.pending, active_on = i.active_on
FROM items AS i
WHERE i.counters IS NOT NULL AND m.shard = $1 AND m.member_id = i.member_id;

-- name: rewards_without_vouchers
-- Rewards of a shard that aren't points and have no voucher, from where the last page ended.
SELECT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code, r.points,
       r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by
FROM reward AS r
WHERE r.shard = $1 AND r.reward_id > $2 AND r.kind IN ('voucher', 'benefit')
  AND (SELECT e.voucher_id FROM voucher AS e
       WHERE e.shard = $1 AND e.voucher_id BETWEEN r.reward_id AND r.reward_id ORDER BY e.voucher_id LIMIT 1) IS NULL
ORDER BY r.reward_id
LIMIT $3;

-- name: add_vouchers
-- A reward that has changed meanwhile has its voucher by now.
INSERT INTO voucher SELECT * FROM unnest($1::voucher[]) ON CONFLICT DO NOTHING;

-- name: copy_revisions
-- A stay that moves to another member takes its history along.
INSERT INTO stay_revision (shard, stay_id, revision, member_id, outcome, snapshot, award, reply, journal_id, recorded_at)
SELECT $1::smallint, $2::uuid, r.revision, r.member_id, r.outcome, r.snapshot, r.award, r.reply, NULL, r.recorded_at
FROM stay_revision AS r
WHERE r.shard = $3 AND r.stay_id = $4 AND r.revision < $5;

-- name: move_directory
UPDATE stay_directory SET shard = $1, member_id = $2, stay_id = $3
WHERE source = $4 AND property = $5 AND stay_ref = $6 AND leg = $7;

-- name: read_budgets
-- What is left to the shard of promotions' budgets, or of stock, by their names.
SELECT promotion, allotted - used AS "left" FROM promotion_budget WHERE shard = $1 AND promotion = ANY ($2::text[]);

-- name: lock_budgets
SELECT FROM promotion_budget WHERE shard = $1 AND promotion = ANY ($2::text[]) ORDER BY promotion FOR UPDATE;

-- name: lease_budget
-- Take from a promotion's pool what a shard ($1) needs ($3), and some more while there is plenty; return what was taken.
WITH pool AS (
    SELECT promotion, least(budget - leased, greatest($3, (budget - leased) / (4 * (SELECT count(*) FROM shard)))) AS points
    FROM promotion_pool WHERE promotion = $2 FOR UPDATE
), taken AS (
    UPDATE promotion_pool AS p SET leased = p.leased + pool.points FROM pool WHERE p.promotion = $2
), given AS (
    INSERT INTO promotion_budget AS b (shard, promotion, allotted, used)
    SELECT $1, promotion, points, 0 FROM pool
    ON CONFLICT (shard, promotion) DO UPDATE SET allotted = b.allotted + excluded.allotted
)
SELECT points FROM pool;

-- name: gather_budget
-- A promotion's pool is empty: take what other shards have leased and not used, unless they are at work with it. Whoever
-- has counted on it meanwhile fails by the constraint, and decides again.
WITH idle AS (
    SELECT b.shard, b.allotted - b.used AS points
    FROM (SELECT shard FROM shard WHERE shard <> $1 ORDER BY shard) AS s
    CROSS JOIN LATERAL (SELECT * FROM promotion_budget AS e WHERE e.shard = s.shard AND e.promotion = $2
                        AND e.allotted > e.used LIMIT 1 FOR UPDATE SKIP LOCKED) AS b
), taken AS (
    UPDATE promotion_budget AS b SET allotted = b.allotted - idle.points FROM idle
    WHERE b.shard = ANY (ARRAY(SELECT shard FROM idle)) AND b.promotion = $2 AND b.shard = idle.shard
), total AS (
    SELECT sum(points)::bigint AS points FROM idle HAVING count(*) > 0
), given AS (
    INSERT INTO promotion_budget AS b (shard, promotion, allotted, used)
    SELECT $1, $2, points, 0 FROM total
    ON CONFLICT (shard, promotion) DO UPDATE SET allotted = b.allotted + excluded.allotted
)
SELECT points FROM total;

-- name: stay_of
-- Whose a stay is; one that has moved is nobody's here.
SELECT r.member_id, r.outcome FROM stay_revision AS r
WHERE r.shard = $1 AND r.stay_id = $2 ORDER BY r.revision DESC LIMIT 1;

-- name: lock_agent_day
-- What an API key gave today; nobody else adds to it until the transaction ends.
INSERT INTO agent_day AS d (principal, day, points) VALUES ($1, $2, 0)
ON CONFLICT (principal, day) DO UPDATE SET points = d.points
RETURNING d.points;

-- name: add_to_agent_day
UPDATE agent_day SET points = points + $3 WHERE principal = $1 AND day = $2;

-- name: write_approval
-- A proposal, or what became of it.
INSERT INTO approval AS a (shard, approval_id, member_id, request, proposer, proposed_by, proposed_at, status, decider,
                           decided_by, decided_at, journal_id, reply, kind)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (shard, approval_id) DO UPDATE
SET status = excluded.status, decider = excluded.decider, decided_by = excluded.decided_by,
    decided_at = excluded.decided_at, journal_id = excluded.journal_id, reply = excluded.reply
WHERE a.status = 'open';

-- name: read_approval
SELECT shard, approval_id, member_id, request, proposer, proposed_by, proposed_at, status, decider, decided_by,
       decided_at, journal_id, reply, kind
FROM approval WHERE shard = $1 AND approval_id BETWEEN $2 AND $2 ORDER BY approval_id;

-- name: find_holder
SELECT member_id FROM api_key WHERE key_id = $1;

-- name: lock_approval
SELECT FROM approval WHERE shard = $1 AND approval_id BETWEEN $2 AND $2 ORDER BY approval_id FOR UPDATE;

-- name: list_approvals
-- Proposals of a status, oldest first, from where the last page ended.
SELECT shard, approval_id, member_id, request, proposer, proposed_by, proposed_at, status, decider, decided_by,
       decided_at, journal_id, reply, kind
FROM approval WHERE status = $1 AND approval_id > $2 ORDER BY approval_id LIMIT $3;

-- name: find_waiting_referrals
-- Newcomers of a shard whose referral waits and who have changed since it was last looked at.
SELECT r.member_id, r.referrer_id
FROM referral AS r
CROSS JOIN LATERAL (SELECT * FROM member AS e
                    WHERE e.shard = $1 AND e.member_id BETWEEN r.member_id AND r.member_id
                    ORDER BY e.member_id LIMIT 1) AS m
WHERE r.shard = $1 AND r.status = 'waiting' AND r.member_id > $2 AND m.version > r.seen
ORDER BY r.member_id LIMIT $3;

-- name: referral_status
SELECT status FROM referral WHERE shard = $1 AND member_id = $2;

-- name: settle_referral
UPDATE referral SET status = $3, seen = $4, journal_id = $5, decided_at = $6
WHERE shard = $1 AND member_id = $2 AND status = 'waiting';

-- name: awards_of
-- What the stays that a member's journals belong to stand for now; those that have moved on are left out.
SELECT head.award
FROM (SELECT DISTINCT j.stay_id FROM journal AS j
      WHERE j.shard = $1 AND j.member_id = $2 AND j.stay_id IS NOT NULL) AS s
CROSS JOIN LATERAL (SELECT r.award, r.outcome FROM stay_revision AS r
                    WHERE r.shard = $1 AND r.stay_id = s.stay_id
                    ORDER BY r.revision DESC LIMIT 1) AS head
WHERE head.outcome <> 'moved';

-- name: stays_of
-- The stays that a member's journals of versions $3 to $4 belong to, as they are on file; without those that moved on.
SELECT s.stay_id, head.revision, head.snapshot, head.award, head.reply
FROM (SELECT DISTINCT j.stay_id FROM journal AS j
      WHERE j.shard = $1 AND j.member_id = $2 AND j.version BETWEEN $3 AND $4 AND j.kind LIKE 'stay\_%') AS s
CROSS JOIN LATERAL (SELECT r.revision, r.snapshot, r.award, r.reply, r.outcome FROM stay_revision AS r
                    WHERE r.shard = $1 AND r.stay_id = s.stay_id
                    ORDER BY r.revision DESC LIMIT 1) AS head
WHERE head.outcome <> 'moved'
ORDER BY s.stay_id;

-- name: merged_lots
-- The lots that a member's merge brought without a stay, in the order they expire.
SELECT l.lot_id, l.member_id, l.amount, l.remaining, l.expired, l.earned_on, l.expires_on, l.opens_on,
       l.pending, l.lapsed_on
FROM (SELECT e.journal_id FROM journal AS e
      WHERE e.shard = $1 AND e.member_id = $2 AND e.version BETWEEN $3 AND $4 AND e.kind = 'merged_in'
      ORDER BY e.version OFFSET 0) AS j
CROSS JOIN LATERAL (SELECT * FROM lot AS e WHERE e.shard = $1 AND e.lot_id = j.journal_id LIMIT 1) AS l
ORDER BY l.expires_on NULLS LAST, l.lot_id;

-- name: kinds_since
-- What kinds of journals a member has after a version.
SELECT DISTINCT j.kind FROM journal AS j WHERE j.shard = $1 AND j.member_id = $2 AND j.version > $3;

-- name: copy_history
-- A stay that moves as it is on file takes its earlier revisions along, under its new member's number.
INSERT INTO stay_revision (shard, stay_id, revision, member_id, outcome, snapshot, award, reply, journal_id, recorded_at)
SELECT $1::smallint, $2::uuid, r.revision, r.member_id, r.outcome,
       jsonb_set(r.snapshot::jsonb, '{member}', to_jsonb($6::text))::json, r.award, r.reply, NULL, r.recorded_at
FROM stay_revision AS r
WHERE r.shard = $3 AND r.stay_id = $4 AND r.revision < $5;

-- name: add_revision
INSERT INTO stay_revision (shard, stay_id, revision, member_id, outcome, snapshot, award, reply, journal_id, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: write_merge
INSERT INTO member_merge AS m (shard, merge_id, member_id, into_id, first, last, owed, counters, traits, status)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (shard, merge_id) DO UPDATE SET status = excluded.status;

-- name: read_merge
SELECT shard, merge_id, member_id, into_id, first, last, owed, counters, traits, status
FROM member_merge WHERE shard = $1 AND merge_id = $2;

-- name: set_status
UPDATE member SET status = $3 WHERE shard = $1 AND member_id = ANY ($2::uuid[]);

-- name: read_household
SELECT shard, household_id, head_id, seats, status FROM household WHERE shard = $1 AND household_id = $2;

-- name: lock_household
SELECT FROM household WHERE shard = $1 AND household_id = $2 FOR UPDATE;

-- name: give_up_budget
-- What stays that move to another shard have had of a promotion's budget goes with them.
UPDATE promotion_budget SET allotted = allotted - $3, used = used - $3 WHERE shard = $1 AND promotion = $2;

-- name: take_over_budget
INSERT INTO promotion_budget AS b (shard, promotion, allotted, used) VALUES ($1, $2, $3, $3)
ON CONFLICT (shard, promotion) DO UPDATE SET allotted = b.allotted + excluded.allotted, used = b.used + excluded.used;

-- name: write_household
INSERT INTO household AS h (shard, household_id, head_id, seats, status) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (shard, household_id) DO UPDATE SET seats = excluded.seats, status = excluded.status;

-- name: lock_pools
-- Budgets that are taken from without a lease, and nobody else takes from them until the transaction ends.
SELECT promotion, budget, leased FROM promotion_pool WHERE promotion = ANY ($1::text[]) ORDER BY promotion FOR UPDATE;

-- name: open_pools
INSERT INTO promotion_pool (promotion, budget) SELECT one, 0 FROM unnest($1::text[]) AS one ORDER BY one
ON CONFLICT DO NOTHING;

-- name: take_from_pool
-- Take from a budget, or give back. What has no size of its own ($3) is as large as it has to be.
UPDATE promotion_pool SET leased = leased + $2, budget = CASE WHEN $3::boolean THEN greatest(budget, leased + $2) ELSE budget END
WHERE promotion = $1;

-- name: read_accruals
-- The points that a partner gave under a reference, and whether it took them back.
SELECT partner, reference, kind, shard, journal_id, member_id, points, money, currency, prepaid, what, effective_on,
       booked_on, recorded_at, actor, reason
FROM accrual WHERE partner = $1 AND reference = $2 ORDER BY kind DESC;

-- name: find_lots_by_id
-- Lots by their ids, open or not, of one member.
SELECT l.lot_id, l.member_id, l.amount, l.remaining, l.expired, l.earned_on, l.expires_on, l.opens_on, l.pending,
       l.lapsed_on
FROM lot AS l WHERE l.shard = $1 AND l.lot_id = ANY ($2::uuid[]) AND l.member_id = $3;

-- name: dispute
-- The status of a partner's statement, and how often its line ($3), or else what goes by the reference ($4), was adjusted.
SELECT (SELECT s.status FROM statement_step AS s
        WHERE s.partner = $1 AND s.number = $2 ORDER BY s.step DESC LIMIT 1) AS status,
       (SELECT count(*) FROM settlement_adjustment AS a
        WHERE a.partner = $1 AND a.reference = $4
          AND (a.line IS NULL OR $3::integer IS NULL OR (a.number, a.line) = ($2, $3))) AS adjusted;

-- name: write_settlement_adjustment
INSERT INTO settlement_adjustment (shard, journal_id, member_id, partner, number, line, reference, offer, points, money,
                                   currency, effective_on, recorded_at, actor, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: left_of_stock
-- How many there are of a stock, and how many of them are left as far as it is written down; no row: nobody has asked
-- for any before.
SELECT p.budget - coalesce((SELECT sum((SELECT b.used FROM promotion_budget AS b
                                       WHERE b.shard = s.shard AND b.promotion = $1)) FROM shard AS s), 0)::bigint
FROM promotion_pool AS p WHERE p.promotion = $1;

-- name: read_orders
-- For each hold, in order: the generation of the catalogue; which redemption has the partner's reference; the token that
-- it is given; what the member's accounts ($7 to $9, by the place of the hold) have of the offer already, and on which
-- days it was booked. The first row tells what is left to the shard of the stock that is named ($6).
SELECT (SELECT generation FROM catalogue_generation WHERE only_row),
       CASE w.place WHEN 1 THEN (SELECT json_object_agg(b.promotion, b.allotted - b.used) FROM promotion_budget AS b
                                 WHERE b.shard = $1 AND b.promotion = ANY ($6::text[])) END,
       p.redemption_id, t.hash, t.member_id, t.partner, t.points, t.minted_at, t.minted_by, t.expires_at, t.redemption_id,
       h.quantities, h.days
FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) WITH ORDINALITY
         AS w (offer, partner, reference, token, place)
LEFT JOIN LATERAL (SELECT * FROM partner_reference AS e
                   WHERE e.partner = w.partner AND e.reference = w.reference LIMIT 1) AS p ON true
LEFT JOIN LATERAL (SELECT * FROM redemption_token AS e
                   WHERE e.shard = $1 AND e.hash = w.token LIMIT 1) AS t ON true
CROSS JOIN LATERAL (
    SELECT array_agg(r.quantity) AS quantities, array_agg(r.booked_on) AS days
    FROM unnest($7::integer[], $8::smallint[], $9::uuid[]) AS a (place, shard, member_id)
    CROSS JOIN LATERAL (SELECT CASE e.status WHEN 'held' THEN e.quantity ELSE e.captured - e.refunded END AS quantity,
                               e.booked_on
                        FROM redemption AS e
                        WHERE e.shard = a.shard AND e.member_id = a.member_id AND e.offer = w.offer
                          AND e.status IN ('held', 'captured') OFFSET 0) AS r
    WHERE a.place = w.place) AS h
ORDER BY w.place;

-- name: read_redemptions
-- Redemptions of members, each with the generation of the catalogue.
SELECT (SELECT generation FROM catalogue_generation WHERE only_row),
       r.redemption_id, r.member_id, r.offer, r.offer_version, r.partner, r.reference, r.status, r.quantity, r.points,
       r.cash, r.value, r.currency, r.tier, r.details, r.draws, r.slot, r.venue, r.begins, r.booked_on, r.expires_at,
       r.captured, r.refunded, r.step
FROM unnest($2::uuid[], $3::uuid[]) AS w (redemption_id, member_id)
CROSS JOIN LATERAL (SELECT * FROM redemption AS e
                    WHERE e.shard = $1 AND e.member_id = w.member_id
                      AND e.redemption_id BETWEEN w.redemption_id AND w.redemption_id
                    ORDER BY e.redemption_id LIMIT 1) AS r;

-- name: find_pinned
-- What redemptions have of which lots: held, or captured and not refunded.
SELECT p.redemption_id, l.lot_id, l.member_id, l.amount, l.remaining, l.expired, l.earned_on, l.expires_on, l.opens_on,
       l.pending, l.lapsed_on, p.points
FROM (SELECT s.redemption_id, a.lot_id, sum(a.points)::bigint AS points
      FROM redemption_step AS s
      CROSS JOIN LATERAL (SELECT e.lot_id, CASE e.kind WHEN 'hold' THEN e.amount ELSE -e.amount END AS points
                          FROM allocation AS e
                          WHERE e.shard = $1 AND e.journal_id = s.journal_id AND e.kind IN ('hold', 'release', 'refund')
                          OFFSET 0) AS a
      WHERE s.shard = $1 AND s.redemption_id = ANY ($2::uuid[])
      GROUP BY s.redemption_id, a.lot_id) AS p
CROSS JOIN LATERAL (SELECT * FROM lot AS e WHERE e.shard = $1 AND e.lot_id = p.lot_id LIMIT 1) AS l
WHERE p.points > 0;

-- name: find_owners
-- Whose redemptions are, by shard and id, and with which partner: as the first step says, which never changes.
SELECT s.redemption_id, s.member_id, s.partner
FROM unnest($1::smallint[], $2::uuid[]) AS w (shard, redemption_id)
CROSS JOIN LATERAL (SELECT * FROM redemption_step AS e
                    WHERE e.shard = w.shard AND e.redemption_id = w.redemption_id AND e.step = 1 LIMIT 1) AS s;

-- name: find_redemptions
-- Redemptions by shard and id, wherever they are.
SELECT r.redemption_id, r.member_id, r.offer, r.offer_version, r.partner, r.reference, r.status, r.quantity, r.points,
       r.cash, r.value, r.currency, r.tier, r.details, r.draws, r.slot, r.venue, r.begins, r.booked_on, r.expires_at,
       r.captured, r.refunded, r.step
FROM unnest($1::smallint[], $2::uuid[]) AS w (shard, redemption_id)
CROSS JOIN LATERAL (SELECT * FROM redemption AS e
                    WHERE e.shard = w.shard AND e.redemption_id BETWEEN w.redemption_id AND w.redemption_id
                    ORDER BY e.redemption_id LIMIT 1) AS r;

-- name: find_tokens
-- Whose tokens are, by shard and hash.
SELECT t.hash, t.member_id
FROM unnest($1::smallint[], $2::bytea[]) AS w (shard, hash)
CROSS JOIN LATERAL (SELECT * FROM redemption_token AS e WHERE e.shard = w.shard AND e.hash = w.hash LIMIT 1) AS t;

-- name: list_redemptions_of_member
-- A page of the redemptions of a member, and of the accounts merged into it, newest first; $4 a partner and $5 a status,
-- if not null.
SELECT r.redemption_id, r.member_id, r.offer, r.offer_version, r.partner, r.reference, r.status, r.quantity, r.points,
       r.cash, r.value, r.currency, r.tier, r.details, r.draws, r.slot, r.venue, r.begins, r.booked_on, r.expires_at,
       r.captured, r.refunded, r.step
FROM unnest($1::smallint[], $2::uuid[]) AS w (shard, member_id)
CROSS JOIN LATERAL (SELECT * FROM redemption AS e
                    WHERE e.shard = w.shard AND e.member_id = w.member_id AND e.redemption_id < $3
                      AND e.partner = coalesce($4, e.partner) AND e.status = coalesce($5, e.status)
                    ORDER BY e.redemption_id DESC LIMIT $6) AS r
ORDER BY r.redemption_id DESC LIMIT $6;

-- name: list_redemptions_of_partner
-- A page of a partner's redemptions, newest first; $3 a status, if not null.
SELECT redemption_id, member_id, offer, offer_version, partner, reference, status, quantity, points, cash, value,
       currency, tier, details, draws, slot, venue, begins, booked_on, expires_at, captured, refunded, step
FROM redemption
WHERE partner = $1 AND redemption_id < $2 AND status = coalesce($3, status)
ORDER BY redemption_id DESC LIMIT $4;

-- name: taken_of
-- What a member's accounts have of offers: how many of each, and on which day they were booked.
SELECT r.offer, CASE r.status WHEN 'held' THEN r.quantity ELSE r.captured - r.refunded END AS quantity, r.booked_on
FROM unnest($1::smallint[], $2::uuid[]) AS w (shard, member_id)
CROSS JOIN LATERAL (SELECT * FROM redemption AS e
                    WHERE e.shard = w.shard AND e.member_id = w.member_id AND e.status IN ('held', 'captured')
                    OFFSET 0) AS r;

-- name: find_reference
-- The redemption that a partner's reference leads to.
SELECT redemption_id FROM partner_reference WHERE partner = $1 AND reference = $2;

-- name: find_due_holds
-- Holds of a shard whose time is up at $2, the longest first, from where the last page ended ($3, $4).
SELECT expires_at, redemption_id, member_id FROM redemption
WHERE shard = $1 AND status = 'held' AND expires_at <= $2 AND (expires_at, redemption_id) > ($3, $4)
ORDER BY expires_at, redemption_id LIMIT $5;
