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

-- name: redemptions
SELECT redemption_id, member_id, offer, offer_version, partner, reference, status, quantity, points, cash, value, currency,
       tier, details, draws, slot, venue, begins, booked_on, expires_at, captured, refunded, step
FROM redemption WHERE shard = $1 AND member_id > $2 AND member_id <= $3;

-- name: redemption_steps
SELECT s.redemption_id, s.step, s.kind, s.journal_id, s.member_id, s.partner, s.quantity, s.points, s.cash, s.value,
       s.effective_on, s.recorded_at, s.actor, s.reason
FROM redemption_step AS s WHERE s.shard = $1 AND s.redemption_id = ANY ($2::uuid[])
ORDER BY s.redemption_id, s.step;

-- name: stocked_redemptions
SELECT redemption_id, member_id, offer, offer_version, partner, reference, status, quantity, points, cash, value, currency,
       tier, details, draws, slot, venue, begins, booked_on, expires_at, captured, refunded, step
FROM redemption WHERE shard = $1 AND status IN ('held', 'captured', 'refunded') AND draws::text <> '{}';

-- name: refunded_after_use
-- What is refunded after its use doesn't come back into stock.
SELECT r.redemption_id, sum(s.quantity)::bigint
FROM redemption AS r
JOIN redemption_step AS s ON s.shard = r.shard AND s.redemption_id = r.redemption_id
WHERE r.shard = $1 AND r.refunded > 0 AND s.kind = 'refunded' AND r.begins <= s.recorded_at
GROUP BY r.redemption_id;

-- name: stock
SELECT promotion, used FROM promotion_budget WHERE shard = $1 AND promotion LIKE 'stock:%' AND used <> 0;

-- name: references
-- A partner's references and the redemptions that have one, each by the other.
SELECT count(*) OVER () AS checked,
       CASE WHEN r.redemption_id IS NULL THEN p.partner || ' ' || p.reference || ' leads to no redemption of it'
            WHEN p.reference IS NULL THEN r.partner || ' ' || r.reference || ' leads nowhere' END AS told
FROM (SELECT * FROM partner_reference WHERE shard = $1) AS p
FULL JOIN (SELECT * FROM redemption WHERE shard = $1 AND reference IS NOT NULL) AS r
       ON r.redemption_id = p.redemption_id AND r.partner = p.partner AND r.reference = p.reference
ORDER BY told NULLS LAST LIMIT 6;

-- name: tokens
-- Tokens that were spent, each on a redemption of the member and the partner that it was for.
SELECT count(*) OVER () AS checked,
       CASE WHEN r.redemption_id IS NULL THEN 'a token of ' || t.partner || ' was spent on a redemption of others'
            WHEN r.points > t.points THEN 'a token up to ' || t.points || ' was spent on ' || r.points || ' points'
            WHEN t.times > 1 THEN t.times || ' tokens were spent on one redemption' END AS told
FROM (SELECT *, count(*) OVER (PARTITION BY redemption_id) AS times
      FROM redemption_token WHERE shard = $1 AND redemption_id IS NOT NULL) AS t
LEFT JOIN redemption AS r
       ON r.shard = t.shard AND r.redemption_id = t.redemption_id AND r.member_id = t.member_id AND r.partner = t.partner
ORDER BY told NULLS LAST LIMIT 6;

-- name: vouchers
SELECT voucher_id, member_id, source, redemption_id, kind, item, partner, number, transferable, valid_from, valid_to,
       status, handed_over, holder_id, property, journal_id, changed_by, giver_id, code_hash
FROM voucher WHERE shard = $1 AND member_id > $2 AND member_id <= $3;

-- name: captured
-- What was captured, and whether the offer gives a voucher for each of it.
SELECT r.member_id, r.redemption_id, r.offer, r.partner, r.captured, r.refunded,
       coalesce((o.definition ->> 'voucher')::boolean, false) AS vouchers
FROM redemption AS r
LEFT JOIN offer_version AS o ON o.code = r.offer AND o.version = r.offer_version
WHERE r.shard = $1 AND r.member_id > $2 AND r.member_id <= $3 AND r.captured > 0;

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
       decided_at, journal_id, reply, kind
FROM approval WHERE shard = $1 AND approval_id > $2 ORDER BY approval_id LIMIT $3;

-- name: holders
-- Who holds API keys, where that is known.
SELECT key_id, member_id FROM api_key WHERE key_id = ANY ($1::uuid[]) AND member_id IS NOT NULL;

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

-- name: agreed
-- Adjustments of settlement by their journals: what was agreed on.
SELECT journal_id, partner, number, line, reference, offer, points, money, currency, reason
FROM settlement_adjustment WHERE shard = $1 AND journal_id = ANY ($2::uuid[]);

-- name: limited
-- All compensation and adjustments of settlement of a shard, how many proposals each came from, and the money of these.
SELECT j.journal_id, j.member_id, j.kind, j.actor, j.recorded_at, t.points, coalesce(a.named, 0) AS named,
       coalesce(s.partner, '') AS partner, coalesce(s.money, 0) AS money
FROM journal AS j
CROSS JOIN LATERAL (
    SELECT coalesce(sum(o.amount), 0)::bigint AS points
    FROM transfer AS o
    WHERE o.shard = j.shard AND o.journal_id = j.journal_id AND o.unit = 'points'
      AND (o.kind = 'settlement' OR o.kind = 'compensation' AND o.credit = 'available')) AS t
LEFT JOIN (SELECT journal_id, count(*) AS named FROM approval WHERE status = 'approved' GROUP BY journal_id) AS a
       ON a.journal_id = j.journal_id
LEFT JOIN settlement_adjustment AS s ON s.shard = j.shard AND s.journal_id = j.journal_id
WHERE j.shard = $1 AND j.kind IN ('compensated', 'settlement_adjusted');

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
FROM member AS m, json_each(m.counters) AS y, json_each_text(y.value) AS u
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

-- name: journals_of_vouchers
SELECT count(*) AS checked, count(*) FILTER (WHERE NOT t.known) AS missing,
       (array_agg(t.voucher_id) FILTER (WHERE NOT t.known))[1:5] AS ids
FROM (SELECT v.voucher_id, g.journal_id IS NOT NULL AND c.journal_id IS NOT NULL AS known
      FROM voucher AS v
      LEFT JOIN journal AS g ON g.shard = v.shard AND g.journal_id = v.journal_id AND g.member_id = v.member_id
      LEFT JOIN journal AS c ON c.shard = v.shard AND c.journal_id = v.changed_by AND c.member_id = v.member_id
      WHERE v.shard = $1) AS t;

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

-- name: redemptions_of_steps
SELECT count(*) AS checked, count(*) FILTER (WHERE r.redemption_id IS NULL) AS missing,
       (array_agg(t.redemption_id) FILTER (WHERE r.redemption_id IS NULL))[1:5] AS ids
FROM redemption_step AS t
LEFT JOIN redemption AS r ON r.shard = t.shard AND r.redemption_id = t.redemption_id
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

-- name: taken_back
-- Journals that took back points of partners, each with the lot that these points were earned in.
SELECT r.member_id, r.journal_id, g.journal_id AS lot_id
FROM accrual AS r
JOIN accrual AS g ON g.partner = r.partner AND g.reference = r.reference AND g.kind = 'accrued'
WHERE r.shard = $1 AND r.member_id > $2 AND r.member_id <= $3 AND r.kind = 'accrual_reversed';

-- name: accruals
-- Points that partners gave and took back, and the journals that did; each by the other.
SELECT count(*) OVER () AS checked,
       CASE WHEN j.journal_id IS NULL THEN a.partner || ' ' || a.reference || ' (' || a.kind || ') has no journal of its member'
            WHEN a.partner IS NULL THEN 'the journal ' || j.journal_id || ' is of no accrual'
            WHEN j.said IS DISTINCT FROM a.said THEN a.partner || ' ' || a.reference || ' (' || a.kind || ') says '
                                                     || a.said || ', its journal ' || coalesce(j.said, 'nothing')
            WHEN a.kind = 'accrual_reversed' AND (g.points, g.money, g.prepaid) IS DISTINCT FROM (a.points, a.money, a.prepaid)
            THEN a.partner || ' ' || a.reference || ' took back other than was given' END AS told
FROM (SELECT *, CASE kind WHEN 'accrued' THEN 'partner_accrued accrued:' || partner || ' available '
                          ELSE 'partner_accrual_reversed available accrued:' || partner || ' ' END
                || points || ' ' || effective_on || ' ' || actor AS said
      FROM accrual WHERE shard = $1) AS a
FULL JOIN (SELECT o.journal_id, o.member_id, o.recorded_at,
                  (SELECT o.kind || ' ' || t.debit || ' ' || t.credit || ' ' || t.amount || ' ' || o.effective_on || ' ' || o.actor
                   FROM transfer AS t WHERE t.shard = o.shard AND t.journal_id = o.journal_id AND t.kind = 'accrual') AS said
           FROM journal AS o
           WHERE o.shard = $1 AND o.kind IN ('partner_accrued', 'partner_accrual_reversed')) AS j
       ON j.journal_id = a.journal_id AND j.member_id = a.member_id AND j.recorded_at = a.recorded_at
LEFT JOIN accrual AS g ON g.partner = a.partner AND g.reference = a.reference AND g.kind = 'accrued'
ORDER BY told NULLS LAST LIMIT 6;

-- name: adjusted_statements
-- Adjustments of settlement, and the journals that made them; each by the other.
SELECT count(*) OVER () AS checked,
       CASE WHEN j.journal_id IS NULL THEN 'the adjustment ' || a.journal_id || ' has no journal of its member'
            WHEN a.journal_id IS NULL THEN 'the journal ' || j.journal_id || ' is of no adjustment'
            WHEN j.points <> a.points THEN 'the adjustment ' || a.journal_id || ' is of ' || a.points || ' points, its journal of '
                                           || j.points END AS told
FROM (SELECT * FROM settlement_adjustment WHERE shard = $1) AS a
FULL JOIN (SELECT o.journal_id, o.member_id, o.recorded_at, o.effective_on,
                  coalesce((SELECT sum(CASE WHEN t.credit = 'adjusted' THEN -t.amount ELSE t.amount END) FROM transfer AS t
                            WHERE t.shard = o.shard AND t.journal_id = o.journal_id AND t.kind = 'settlement'), 0) AS points
           FROM journal AS o WHERE o.shard = $1 AND o.kind = 'settlement_adjusted') AS j
       ON j.journal_id = a.journal_id AND j.member_id = a.member_id AND j.recorded_at = a.recorded_at
      AND j.effective_on = a.effective_on
ORDER BY told NULLS LAST LIMIT 6;

-- name: funds
-- What partners paid before and what of it is given, and what was given on each day: as it is taken, and by its rows.
SELECT count(*) OVER () AS checked,
       CASE WHEN coalesce(p.leased, 0) <> coalesce(a.taken, 0)
            THEN coalesce(p.promotion, a.name) || ': ' || coalesce(p.leased, 0) || ' are taken, accruals have ' || coalesce(a.taken, 0)
            WHEN p.promotion LIKE 'fund:%' AND p.budget <> coalesce(d.points, 0)
            THEN p.promotion || ': ' || p.budget || ' are paid, deposits have ' || coalesce(d.points, 0)
            WHEN p.promotion IS NULL AND d.points <> 0 THEN d.name || ': deposits have ' || d.points || ', nothing is paid'
            END AS told
FROM (SELECT * FROM promotion_pool WHERE promotion LIKE 'fund:%' OR promotion LIKE 'accruals:%') AS p
FULL JOIN (SELECT b.name, sum(CASE x.kind WHEN 'accrued' THEN x.points ELSE -x.points END) AS taken
           FROM accrual AS x
           CROSS JOIN LATERAL (VALUES ('accruals:' || x.partner || '/' || x.booked_on),
                                      (CASE WHEN x.prepaid THEN 'fund:' || x.partner END)) AS b (name)
           WHERE b.name IS NOT NULL GROUP BY b.name) AS a ON a.name = p.promotion
FULL JOIN (SELECT 'fund:' || partner AS name, sum(points) AS points FROM partner_deposit GROUP BY partner) AS d
       ON d.name = p.promotion
ORDER BY told NULLS LAST LIMIT 6;

-- name: stated_partners
-- All who have a statement, or an account of points taken or given.
SELECT partner FROM statement
UNION SELECT partner FROM statement_turn
UNION SELECT substr(account, 9) FROM account_balance WHERE account LIKE 'partner:%'
UNION SELECT substr(account, 9) FROM account_balance WHERE account LIKE 'accrued:%'
ORDER BY 1;

-- name: statements
SELECT partner, number, period, currency, records, points, money, hash, issued_at, issued_by
FROM statement WHERE partner = $1 ORDER BY number;

-- name: statement_steps
SELECT number, step, status, lines, reason, payment, actor, recorded_at
FROM statement_step WHERE partner = $1 ORDER BY number, step;

-- name: statement_lines
SELECT number, line, kind, shard, journal_id, entry, reference, offer, quantity, points, money, effective_on, properties
FROM statement_line WHERE partner = $1 ORDER BY number, line;

-- name: turns
SELECT issued FROM statement_turn WHERE partner = $1;

-- name: settled_events
-- All that a partner's statements have lines for, stated or not yet.
SELECT s.kind, s.shard, s.journal_id, coalesce(r.reference, '') AS reference, r.offer, s.quantity,
       CASE s.kind WHEN 'captured' THEN s.points ELSE -s.points END AS points,
       CASE s.kind WHEN 'captured' THEN s.value ELSE -s.value END AS money, s.effective_on
FROM redemption_step AS s
JOIN redemption AS r ON r.shard = s.shard AND r.redemption_id = s.redemption_id
WHERE s.partner = $1 AND s.kind IN ('captured', 'refunded')
UNION ALL
SELECT kind, shard, journal_id, reference, what, 1, CASE kind WHEN 'accrued' THEN -points ELSE points END,
       CASE kind WHEN 'accrued' THEN -money ELSE money END, effective_on
FROM accrual WHERE partner = $1
UNION ALL
SELECT 'adjusted', shard, journal_id, reference, offer, 1, points, money, effective_on
FROM settlement_adjustment WHERE partner = $1;

-- name: partner_accounts
SELECT coalesce(sum(amount), 0)::bigint FROM account_balance
WHERE unit = 'points' AND account IN ('partner:' || $1::text, 'accrued:' || $1::text);
