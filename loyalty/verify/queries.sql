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
SELECT member_id, sum(amount)::bigint AS amount
FROM hold WHERE shard = $1 AND member_id > $2 AND member_id <= $3 AND status = 'open' GROUP BY member_id;

-- name: journals_by_id
SELECT journal_id, member_id, linked_id FROM journal WHERE shard = $1 AND journal_id = ANY ($2::uuid[]);

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
-- What members' years count; their days tell it once more.
SELECT u.key AS unit, sum(u.value::bigint)::bigint AS amount
FROM member AS m, jsonb_each(m.counters) AS y, jsonb_each_text(y.value) AS u
WHERE m.shard = $1 AND length(y.key) = 4 GROUP BY u.key;

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

-- name: members_of_holds
SELECT count(*) AS checked, count(*) FILTER (WHERE m.member_id IS NULL) AS missing,
       (array_agg(t.hold_id) FILTER (WHERE m.member_id IS NULL))[1:5] AS ids
FROM hold AS t LEFT JOIN member AS m ON m.shard = t.shard AND m.member_id = t.member_id
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
