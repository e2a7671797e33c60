-- What it takes to compute the books again. $1 is the shard, unless said otherwise. Everything is read by primary key or
-- by an index that the service itself needs.

-- name: shards
SELECT shard FROM shard ORDER BY shard;

-- name: size
-- How many members a shard has, and how many journals they should have.
SELECT count(*) AS members, coalesce(sum(version), 0)::bigint AS journals FROM member WHERE shard = $1;

-- name: next_members
-- Members after $2 in the order of their ids: $3 at most, and no more once those before have $4 journals.
SELECT shard, member_id, number, status, enrolled_on, version, available, held, debt, counters, next_expiry, traits, tier,
       review_on, pending, active_on
FROM (SELECT m.*, sum(m.version) OVER (ORDER BY m.member_id) - m.version AS before
      FROM (SELECT * FROM member WHERE shard = $1 AND member_id > $2 ORDER BY member_id LIMIT $3) AS m) AS page
WHERE before < $4
ORDER BY member_id;

-- name: journals
-- The journals of all member ids after $2 and up to $3, whether or not there is such a member.
SELECT journal_id, member_id, version, kind, effective_on, reason, actor, stay_id, linked_id, balance, recorded_at
FROM journal
WHERE shard = $1 AND member_id > $2 AND member_id <= $3
ORDER BY member_id, version;

-- name: transfers
SELECT journal_id, line, unit, kind, debit, credit, amount, effective_on
FROM transfer WHERE shard = $1 AND journal_id = ANY ($2::uuid[]) ORDER BY journal_id, line;

-- name: allocations
SELECT journal_id, lot_id, kind, amount FROM allocation WHERE shard = $1 AND journal_id = ANY ($2::uuid[]);

-- name: lots
SELECT lot_id, member_id, amount, remaining, expired, earned_on, expires_on, opens_on, pending, lapsed_on
FROM lot WHERE shard = $1 AND lot_id = ANY ($2::uuid[]);

-- name: leaves
SELECT journal_id, leaf FROM unsealed WHERE shard = $1 AND journal_id = ANY ($2::uuid[]);

-- name: grants
SELECT member_id, milestone, ordinal, status, period
FROM milestone_grant WHERE shard = $1 AND member_id > $2 AND member_id <= $3;

-- name: rewards
SELECT reward_id, member_id, milestone, period, ordinal, part, program, status, kind, code, points, granted_on, choose_by,
       valid_to, journal_id, changed_by
FROM reward WHERE shard = $1 AND member_id > $2 AND member_id <= $3;

-- name: holds
SELECT member_id, sum(points)::bigint AS amount
FROM redemption WHERE shard = $1 AND member_id > $2 AND member_id <= $3 AND status = 'held' GROUP BY member_id;

-- name: journals_by_id
SELECT journal_id, member_id, linked_id FROM journal WHERE shard = $1 AND journal_id = ANY ($2::uuid[]);

-- name: transit_of
-- What journals left in transit, by unit.
SELECT journal_id, unit, sum(CASE credit WHEN 'transit' THEN amount ELSE -amount END)::bigint AS amount
FROM transfer WHERE shard = $1 AND journal_id = ANY ($2::uuid[]) AND 'transit' IN (debit, credit)
GROUP BY journal_id, unit;

-- name: people
SELECT member_id, status, traits FROM member WHERE shard = $1 AND member_id = ANY ($2::uuid[]);

-- name: households_by_id
SELECT shard, household_id, head_id, seats, status FROM household WHERE shard = $1 AND household_id = ANY ($2::uuid[]);

-- name: households
-- Households after $2, $3 at most.
SELECT shard, household_id, head_id, seats, status FROM household
WHERE shard = $1 AND household_id > $2 ORDER BY household_id LIMIT $3;

-- name: approvals
-- Proposals after $2, $3 at most.
SELECT shard, approval_id, member_id, request, proposer, proposed_by, proposed_at, status, decider, decided_by,
       decided_at, journal_id, reply
FROM approval WHERE shard = $1 AND approval_id > $2 ORDER BY approval_id LIMIT $3;

-- name: referrals
-- Referrals after $2, $3 at most.
SELECT member_id, referrer_id, status, journal_id
FROM referral WHERE shard = $1 AND member_id > $2 ORDER BY member_id LIMIT $3;

-- name: merges
-- Merges after $2, $3 at most, with the survivor's journals of the versions that each made.
SELECT g.merge_id, g.member_id, g.into_id, g.first, g.last, g.status, j.journals, j.instants, s.standing
FROM member_merge AS g
CROSS JOIN LATERAL (
    SELECT count(*) AS journals, count(DISTINCT o.recorded_at) AS instants
    FROM journal AS o
    WHERE o.shard = g.shard AND o.member_id = g.into_id AND o.version BETWEEN g.first AND g.last) AS j
JOIN (SELECT member_id, count(*) FILTER (WHERE status = 'merged') AS standing
      FROM member_merge WHERE shard = $1 GROUP BY member_id) AS s ON s.member_id = g.member_id
WHERE g.shard = $1 AND g.merge_id > $2 ORDER BY g.merge_id LIMIT $3;

-- name: posted
-- Journals by their ids, with the points that they gave.
SELECT j.journal_id, j.member_id, j.kind, j.actor, j.recorded_at, coalesce(sum(t.amount), 0)::bigint AS points
FROM journal AS j
LEFT JOIN transfer AS t ON t.shard = j.shard AND t.journal_id = j.journal_id
                       AND t.unit = 'points' AND t.credit = 'available' AND t.kind IN ('compensation', 'referral')
WHERE j.shard = $1 AND j.journal_id = ANY ($2::uuid[])
GROUP BY j.shard, j.journal_id;

-- name: compensations
-- All compensation of a shard, and how many proposals each came from.
SELECT j.journal_id, j.member_id, j.kind, j.actor, j.recorded_at, t.points, coalesce(a.named, 0) AS named
FROM journal AS j
CROSS JOIN LATERAL (
    SELECT coalesce(sum(o.amount), 0)::bigint AS points
    FROM transfer AS o
    WHERE o.shard = j.shard AND o.journal_id = j.journal_id AND o.unit = 'points' AND o.credit = 'available'
      AND o.kind = 'compensation') AS t
LEFT JOIN (SELECT journal_id, count(*) AS named FROM approval WHERE status = 'approved' GROUP BY journal_id) AS a
       ON a.journal_id = j.journal_id
WHERE j.shard = $1 AND j.kind = 'compensated';

-- name: revisions
SELECT shard, stay_id, revision, member_id, outcome, snapshot, award, journal_id, recorded_at
FROM stay_revision WHERE shard = $1 AND stay_id = ANY ($2::uuid[]) ORDER BY stay_id, revision;

-- name: idle_stays
-- Stays after $2 that no journal belongs to, $3 at most: cancelled before they were ever posted.
SELECT stay_id FROM stay_revision
WHERE shard = $1 AND stay_id > $2
GROUP BY stay_id HAVING count(journal_id) = 0
ORDER BY stay_id LIMIT $3;

-- name: places
-- Where natural keys ($1) lead, by their place in the array.
SELECT w.place, d.shard, d.member_id, d.stay_id
FROM unnest($1::stay_key[]) WITH ORDINALITY AS w (source, property, stay_ref, leg, revision, place)
JOIN stay_directory AS d
  ON d.source = w.source AND d.property = w.property AND d.stay_ref = w.stay_ref AND d.leg = w.leg;

-- name: folded_accounts
SELECT debit, credit, unit, sum(amount)::bigint AS amount FROM transfer WHERE shard = $1 GROUP BY debit, credit, unit;

-- name: stored_accounts
-- As the view account_balance has them, of one shard.
SELECT account, unit, sum(amount)::bigint AS amount
FROM (SELECT account, unit, amount FROM account_total WHERE shard = $1
      UNION ALL
      SELECT account, unit, amount FROM account_delta WHERE shard = $1) AS parts
GROUP BY account, unit;

-- name: stored_points
SELECT coalesce(sum(available), 0)::bigint AS available, coalesce(sum(pending), 0)::bigint AS pending,
       coalesce(sum(held), 0)::bigint AS held
FROM member WHERE shard = $1;

-- name: stored_counters
-- What members' years count; their days tell it once more. What promotions gave is on the accounts of points.
SELECT u.key AS unit, sum(u.value::bigint)::bigint AS amount
FROM member AS m, jsonb_each(m.counters) AS y, jsonb_each_text(y.value) AS u
WHERE m.shard = $1 AND length(y.key) = 4 AND u.key NOT LIKE 'promotion:%' GROUP BY u.key;

-- name: transit
-- What the account $1 holds, over all shards.
SELECT unit, amount FROM account_balance WHERE account = $1 ORDER BY unit;

-- name: keys
-- Idempotency keys after ($1, $2), $3 at most.
SELECT principal, key, status, reply FROM idempotency_key
WHERE (principal, key) > ($1::uuid, $2::text) ORDER BY principal, key LIMIT $3;

-- name: members_by_id
SELECT member_id FROM member WHERE shard = $1 AND member_id = ANY ($2::uuid[]);

-- name: journals_of_transfers
SELECT count(*) AS checked, count(*) FILTER (WHERE j.journal_id IS NULL) AS missing,
       (array_agg(t.journal_id) FILTER (WHERE j.journal_id IS NULL))[1:5] AS ids
FROM transfer AS t LEFT JOIN journal AS j ON j.shard = t.shard AND j.journal_id = t.journal_id
WHERE t.shard = $1;

-- name: journals_of_lots
SELECT count(*) AS checked, count(*) FILTER (WHERE j.journal_id IS NULL) AS missing,
       (array_agg(t.lot_id) FILTER (WHERE j.journal_id IS NULL))[1:5] AS ids
FROM lot AS t
LEFT JOIN journal AS j ON j.shard = t.shard AND j.journal_id = t.lot_id AND j.member_id = t.member_id
WHERE t.shard = $1;

-- name: journals_of_allocations
SELECT count(*) AS checked, count(*) FILTER (WHERE j.journal_id IS NULL) AS missing,
       (array_agg(t.journal_id) FILTER (WHERE j.journal_id IS NULL))[1:5] AS ids
FROM allocation AS t LEFT JOIN journal AS j ON j.shard = t.shard AND j.journal_id = t.journal_id
WHERE t.shard = $1;

-- name: lots_of_allocations
SELECT count(*) AS checked, count(*) FILTER (WHERE l.lot_id IS NULL) AS missing,
       (array_agg(t.lot_id) FILTER (WHERE l.lot_id IS NULL))[1:5] AS ids
FROM allocation AS t LEFT JOIN lot AS l ON l.shard = t.shard AND l.lot_id = t.lot_id
WHERE t.shard = $1;

-- name: journals_of_leaves
SELECT count(*) AS checked, count(*) FILTER (WHERE j.journal_id IS NULL) AS missing,
       (array_agg(t.journal_id) FILTER (WHERE j.journal_id IS NULL))[1:5] AS ids
FROM unsealed AS t LEFT JOIN journal AS j ON j.shard = t.shard AND j.journal_id = t.journal_id
WHERE t.shard = $1;

-- name: journals_of_events
SELECT count(*) AS checked, count(*) FILTER (WHERE j.journal_id IS NULL) AS missing,
       (array_agg(t.event_id) FILTER (WHERE j.journal_id IS NULL))[1:5] AS ids
FROM outbox AS t
LEFT JOIN journal AS j ON j.shard = t.shard AND j.journal_id = t.journal_id AND j.member_id = t.member_id
WHERE t.shard = $1;

-- name: journals_of_revisions
SELECT count(*) AS checked, count(*) FILTER (WHERE j.journal_id IS NULL) AS missing,
       (array_agg(t.stay_id) FILTER (WHERE j.journal_id IS NULL))[1:5] AS ids
FROM stay_revision AS t LEFT JOIN journal AS j ON j.shard = t.shard AND j.journal_id = t.journal_id
WHERE t.shard = $1 AND t.journal_id IS NOT NULL;

-- name: journals_of_grants
SELECT count(*) AS checked, count(*) FILTER (WHERE j.journal_id IS NULL) AS missing,
       (array_agg(t.member_id) FILTER (WHERE j.journal_id IS NULL))[1:5] AS ids
FROM milestone_grant AS t
LEFT JOIN journal AS j ON j.shard = t.shard AND j.journal_id = t.journal_id AND j.member_id = t.member_id
WHERE t.shard = $1;

-- name: journals_of_rewards
SELECT count(*) AS checked, count(*) FILTER (WHERE NOT t.known) AS missing,
       (array_agg(t.reward_id) FILTER (WHERE NOT t.known))[1:5] AS ids
FROM (SELECT r.reward_id, g.journal_id IS NOT NULL AND c.journal_id IS NOT NULL AS known
      FROM reward AS r
      LEFT JOIN journal AS g ON g.shard = r.shard AND g.journal_id = r.journal_id AND g.member_id = r.member_id
      LEFT JOIN journal AS c ON c.shard = r.shard AND c.journal_id = r.changed_by AND c.member_id = r.member_id
      WHERE r.shard = $1) AS t;

-- name: referrals_of_journals
SELECT count(*) AS checked, count(*) FILTER (WHERE r.named IS DISTINCT FROM 1) AS missing,
       (array_agg(t.journal_id) FILTER (WHERE r.named IS DISTINCT FROM 1))[1:5] AS ids
FROM journal AS t
LEFT JOIN (SELECT journal_id, count(*) AS named FROM referral WHERE status = 'paid' GROUP BY journal_id) AS r
       ON r.journal_id = t.journal_id
WHERE t.shard = $1 AND t.kind = 'referral';

-- name: merges_of_members
SELECT count(*) AS checked, count(*) FILTER (WHERE g.member_id IS NULL) AS missing,
       (array_agg(t.member_id) FILTER (WHERE g.member_id IS NULL))[1:5] AS ids
FROM member AS t
LEFT JOIN (SELECT DISTINCT member_id FROM member_merge WHERE status = 'merged') AS g ON g.member_id = t.member_id
WHERE t.shard = $1 AND t.status = 'closed';

-- name: members_of_redemptions
SELECT count(*) AS checked, count(*) FILTER (WHERE m.member_id IS NULL) AS missing,
       (array_agg(t.redemption_id) FILTER (WHERE m.member_id IS NULL))[1:5] AS ids
FROM redemption AS t LEFT JOIN member AS m ON m.shard = t.shard AND m.member_id = t.member_id
WHERE t.shard = $1;

-- name: members_of_profiles
SELECT count(*) AS checked, count(*) FILTER (WHERE m.member_id IS NULL) AS missing,
       (array_agg(t.member_id) FILTER (WHERE m.member_id IS NULL))[1:5] AS ids
FROM vault.profile AS t LEFT JOIN member AS m ON m.shard = t.shard AND m.member_id = t.member_id
WHERE t.shard = $1;

-- name: stays_of_directory
-- A row counts as missing its stay, too, if another row leads to the same one.
SELECT count(*) AS checked, count(*) FILTER (WHERE NOT t.led) AS missing,
       (array_agg(t.stay_id) FILTER (WHERE NOT t.led))[1:5] AS ids
FROM (SELECT d.stay_id,
             row_number() OVER (PARTITION BY d.stay_id) = 1
             AND EXISTS (SELECT FROM stay_revision AS r WHERE r.shard = d.shard AND r.stay_id = d.stay_id) AS led
      FROM stay_directory AS d WHERE d.shard = $1) AS t;

-- name: books
-- Every member in the order of numbers, with what of the open lots expires when (null: never), what of these is pending
-- until when, and the milestones granted.
SELECT m.shard, m.member_id, m.number, m.status, m.enrolled_on, m.version, m.available, m.held, m.debt, m.counters,
       m.next_expiry, m.traits, m.tier, m.review_on, m.pending, m.active_on, l.days, l.points, p.opening, g.milestones,
       g.ordinals
FROM member AS m
CROSS JOIN LATERAL (
    SELECT array_agg(d.day ORDER BY d.day) AS days, array_agg(d.points ORDER BY d.day) AS points
    FROM (SELECT o.expires_on AS day, sum(o.remaining)::bigint AS points
          FROM lot AS o
          WHERE o.shard = m.shard AND o.member_id = m.member_id AND o.remaining > 0
          GROUP BY o.expires_on) AS d) AS l
CROSS JOIN LATERAL (
    SELECT array_agg(ROW(d.opens_on, d.expires_on, d.points)) AS opening
    FROM (SELECT o.opens_on, o.expires_on, sum(o.remaining)::bigint AS points
          FROM lot AS o
          WHERE m.pending > 0 AND o.shard = m.shard AND o.member_id = m.member_id AND o.pending AND o.remaining > 0
          GROUP BY o.opens_on, o.expires_on) AS d) AS p
CROSS JOIN LATERAL (
    SELECT array_agg(CASE k.period WHEN '' THEN k.milestone ELSE k.milestone || '/' || k.period END) AS milestones, array_agg(k.ordinal) AS ordinals
    FROM milestone_grant AS k
    WHERE k.shard = m.shard AND k.member_id = m.member_id AND k.status = 'granted') AS g
ORDER BY m.number COLLATE "C";
