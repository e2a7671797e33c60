-- The SQL of partners and offers, and of how many of an offer are left.

-- name: read_generation
SELECT generation FROM catalogue_generation;

-- name: read_partners
-- Versions of partners that came after a generation ($1) and no later than another ($2), oldest first.
SELECT definition, version, generation, changed_by, changed_at FROM partner_version
WHERE generation > $1 AND generation <= $2 ORDER BY generation;

-- name: read_offers
-- Versions of offers that came after a generation ($1) and no later than another ($2), oldest first.
SELECT definition, version, generation, changed_by, changed_at FROM offer_version
WHERE generation > $1 AND generation <= $2 ORDER BY generation;

-- name: next_generation
-- One changes the catalogue at a time, until its transaction ends. Whatever is added to it begins the generation.
SELECT generation + 1 FROM catalogue_generation FOR NO KEY UPDATE;

-- name: write_partner
WITH begun AS (UPDATE catalogue_generation SET generation = $4)
INSERT INTO partner_version (code, version, definition, generation, changed_by, changed_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: write_offer
WITH begun AS (UPDATE catalogue_generation SET generation = $4)
INSERT INTO offer_version (code, version, definition, generation, changed_by, changed_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: read_stock
-- What there is of offers: of all budgets whose name begins so, the number that there are and what is taken.
SELECT p.promotion AS name, p.budget,
       coalesce((SELECT sum((SELECT b.used FROM promotion_budget AS b
                             WHERE b.shard = s.shard AND b.promotion = p.promotion)) FROM shard AS s), 0)::bigint AS used
FROM promotion_pool AS p
WHERE starts_with(p.promotion, $1)
ORDER BY p.promotion;

-- name: reclaim_stock
-- Take back what shards have leased of a budget and not used. Whoever counts on it at this moment decides again.
WITH idle AS (
    SELECT b.shard, b.allotted - b.used AS amount
    FROM (SELECT shard FROM shard ORDER BY shard) AS s
    CROSS JOIN LATERAL (SELECT * FROM promotion_budget AS e WHERE e.shard = s.shard AND e.promotion = $1
                        AND e.allotted > e.used LIMIT 1 FOR UPDATE) AS b
), taken AS (
    UPDATE promotion_budget AS b SET allotted = b.allotted - idle.amount FROM idle
    WHERE b.shard = ANY (ARRAY(SELECT shard FROM idle)) AND b.promotion = $1 AND b.shard = idle.shard
)
UPDATE promotion_pool SET leased = leased - (SELECT coalesce(sum(amount), 0) FROM idle) WHERE promotion = $1;

-- name: set_stock
-- Say how many there are; nothing comes back when more than that is taken.
INSERT INTO promotion_pool AS p (promotion, budget) VALUES ($1, $2)
ON CONFLICT (promotion) DO UPDATE SET budget = excluded.budget WHERE p.leased <= excluded.budget
RETURNING budget;

-- name: open_stock
-- Say how many there are ($2) of days and times ($1) that nobody has asked for before, as known in a generation ($3);
-- nothing is opened if the catalogue has changed since.
INSERT INTO promotion_pool (promotion, budget)
SELECT s.name, s.amount
FROM (SELECT FROM catalogue_generation WHERE generation = $3 FOR SHARE) AS g,
     unnest($1::text[], $2::bigint[]) AS s (name, amount)
ORDER BY s.name
ON CONFLICT (promotion) DO NOTHING;

-- name: write_deposit
INSERT INTO partner_deposit (partner, reference, points, money, currency, recorded_at, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
RETURNING partner;

-- name: raise_fund
-- What a partner paid for is as much more.
INSERT INTO promotion_pool AS p (promotion, budget) VALUES ($1, $2)
ON CONFLICT (promotion) DO UPDATE SET budget = p.budget + excluded.budget
RETURNING budget, leased;

-- name: read_fund
SELECT budget, leased FROM promotion_pool WHERE promotion = $1;

-- name: find_accruals
SELECT partner, reference, kind, shard, journal_id, member_id, points, money, currency, prepaid, what, effective_on,
       booked_on, recorded_at, actor, reason
FROM accrual WHERE partner = $1 AND reference = $2 ORDER BY kind DESC;

-- name: lock_turn
-- Nobody else issues a statement of the partner, or does anything with one, until the transaction ends; return how many
-- there are.
INSERT INTO statement_turn AS t (partner, issued) VALUES ($1, 0)
ON CONFLICT (partner) DO UPDATE SET issued = t.issued
RETURNING issued;

-- name: take_turn
UPDATE statement_turn SET issued = $2 WHERE partner = $1;

-- name: captures_and_refunds
-- What was captured and refunded with a partner up to a day ($2) and is on no statement yet.
SELECT s.kind, s.shard, s.journal_id, s.redemption_id, coalesce(r.reference, '') AS reference, r.offer, s.quantity,
       s.points, s.value AS money, s.effective_on, s.recorded_at
FROM (SELECT * FROM redemption_step AS e
      WHERE e.partner = $1 AND e.effective_on <= $2 AND e.kind IN ('captured', 'refunded')
        AND (SELECT l.line FROM statement_line AS l
             WHERE l.shard = e.shard AND l.journal_id = e.journal_id LIMIT 1) IS NULL
      ORDER BY e.effective_on OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM redemption AS e
                    WHERE e.shard = s.shard AND e.redemption_id BETWEEN s.redemption_id AND s.redemption_id
                    ORDER BY e.redemption_id LIMIT 1) AS r;

-- name: accruals_to_state
SELECT e.kind, e.shard, e.journal_id, e.reference, e.what, e.points, e.money, e.effective_on, e.recorded_at
FROM accrual AS e
WHERE e.partner = $1 AND e.effective_on <= $2
  AND (SELECT l.line FROM statement_line AS l
       WHERE l.shard = e.shard AND l.journal_id = e.journal_id LIMIT 1) IS NULL
ORDER BY e.effective_on;

-- name: adjustments_to_state
SELECT e.shard, e.journal_id, e.reference, e.offer, e.points, e.money, e.effective_on, e.recorded_at
FROM settlement_adjustment AS e
WHERE e.partner = $1 AND e.effective_on <= $2
  AND (SELECT l.line FROM statement_line AS l
       WHERE l.shard = e.shard AND l.journal_id = e.journal_id LIMIT 1) IS NULL
ORDER BY e.effective_on;

-- name: properties_of_steps
-- The hotels where points were earned that steps of redemptions took, or gave back; '' for what no stay earned.
-- A capture took what its redemption held and hasn't released; a refund gave back what it says.
SELECT w.journal_id, coalesce(p.property, '') AS property, sum(x.points)::bigint AS points
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[]) AS w (shard, redemption_id, journal_id, kind)
CROSS JOIN LATERAL (
    SELECT a.lot_id, sum(CASE a.kind WHEN 'release' THEN -a.amount ELSE a.amount END) AS points
    FROM redemption_step AS h
    CROSS JOIN LATERAL (SELECT * FROM allocation AS e
                        WHERE e.shard = w.shard AND e.journal_id BETWEEN h.journal_id AND h.journal_id
                        ORDER BY e.journal_id OFFSET 0) AS a
    WHERE h.shard = w.shard AND h.redemption_id = w.redemption_id
      AND CASE w.kind WHEN 'captured' THEN a.kind IN ('hold', 'release')
                      ELSE a.kind = 'refund' AND a.journal_id = w.journal_id END
    GROUP BY a.lot_id) AS x
LEFT JOIN LATERAL (
    SELECT v.snapshot ->> 'property' AS property
    FROM (SELECT e.stay_id FROM journal AS e
          WHERE e.shard = w.shard AND e.journal_id BETWEEN x.lot_id AND x.lot_id ORDER BY e.journal_id LIMIT 1) AS j
    CROSS JOIN LATERAL (SELECT e.snapshot FROM stay_revision AS e WHERE e.shard = w.shard AND e.stay_id = j.stay_id
                        ORDER BY e.revision DESC LIMIT 1) AS v) AS p ON true
GROUP BY w.journal_id, p.property;

-- name: write_statement
INSERT INTO statement (partner, number, period, currency, records, points, money, hash, issued_at, issued_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: write_lines
INSERT INTO statement_line SELECT * FROM unnest($1::statement_line[]);

-- name: write_statement_step
INSERT INTO statement_step (partner, number, step, status, lines, reason, payment, actor, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: read_statements
-- A partner's statements, the newest first; of one period ($2), or all.
SELECT partner, number, period, currency, records, points, money, hash, issued_at, issued_by
FROM statement WHERE partner = $1 AND period = coalesce($2, period) ORDER BY number DESC;

-- name: read_steps
SELECT number, step, status, lines, reason, payment, actor, recorded_at
FROM statement_step WHERE partner = $1 AND number = ANY ($2::integer[]) ORDER BY number, step;

-- name: last_period
SELECT max(period) FROM statement WHERE partner = $1;

-- name: read_lines
SELECT line, kind, shard, journal_id, entry, reference, offer, quantity, points, money, effective_on, properties
FROM statement_line WHERE partner = $1 AND number = $2 ORDER BY line;

-- name: write_comparison
INSERT INTO statement_comparison (partner, number, result, actor, recorded_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (partner, number) DO UPDATE
SET result = excluded.result, actor = excluded.actor, recorded_at = excluded.recorded_at;

-- name: read_comparison
SELECT result FROM statement_comparison WHERE partner = $1 AND number = $2;

-- name: line_in_dispute
-- Whose book a line of a statement is in.
SELECT coalesce(s.member_id, a.member_id, d.member_id) AS member_id,
       CASE l.reference WHEN '' THEN l.entry ELSE l.reference END AS reference, l.offer
FROM (SELECT * FROM statement_line AS e WHERE e.partner = $1 AND e.number = $2 AND e.line = $3 LIMIT 1) AS l
LEFT JOIN LATERAL (SELECT e.member_id FROM redemption_step AS e
                   WHERE l.entry LIKE 'red\_%' AND e.shard = l.shard AND e.redemption_id = substr(l.entry, 5)::uuid
                     AND e.journal_id = l.journal_id LIMIT 1) AS s ON true
LEFT JOIN LATERAL (SELECT e.member_id FROM accrual AS e
                   WHERE e.partner = $1 AND e.reference = l.reference AND e.journal_id = l.journal_id
                   ORDER BY e.kind LIMIT 1) AS a ON true
LEFT JOIN LATERAL (SELECT e.member_id FROM settlement_adjustment AS e
                   WHERE e.shard = l.shard AND e.journal_id = l.journal_id LIMIT 1) AS d ON true;

-- name: reference_in_dispute
-- Whose book it is in what a partner ($1) knows by its reference ($2), or by the id of a redemption ($3, in a shard $4):
-- a statement names that by the partner's reference, if it has one.
SELECT r.member_id, $2::text AS reference, r.offer
FROM partner_reference AS p
CROSS JOIN LATERAL (SELECT * FROM redemption AS e
                    WHERE e.shard = p.shard AND e.redemption_id BETWEEN p.redemption_id AND p.redemption_id
                    ORDER BY e.redemption_id LIMIT 1) AS r
WHERE p.partner = $1 AND p.reference = $2
UNION ALL
SELECT r.member_id, coalesce(r.reference, $2::text), r.offer
FROM redemption AS r WHERE r.shard = $4 AND r.redemption_id = $3 AND r.partner = $1
UNION ALL
(SELECT a.member_id, a.reference, a.what FROM accrual AS a
 WHERE a.partner = $1 AND a.reference = $2 ORDER BY a.kind DESC LIMIT 1)
LIMIT 1;

-- name: report_redemptions
-- What was captured and refunded from a day ($1) to another ($2), by partner, offer, tier or month ($3).
SELECT CASE $3::text WHEN 'partner' THEN r.partner WHEN 'offer' THEN r.offer WHEN 'tier' THEN r.tier
                     ELSE to_char(s.effective_on, 'YYYY-MM') END AS key, r.currency,
       count(*) FILTER (WHERE s.kind = 'captured') AS captures, count(*) FILTER (WHERE s.kind = 'refunded') AS refunds,
       coalesce(sum(s.quantity * f.sign), 0)::bigint AS quantity, coalesce(sum(s.points * f.sign), 0)::bigint AS points,
       coalesce(sum(s.cash * f.sign), 0)::bigint AS cash, coalesce(sum(s.value * f.sign), 0)::bigint AS money
FROM redemption_step AS s
JOIN redemption AS r ON r.shard = s.shard AND r.redemption_id = s.redemption_id
CROSS JOIN LATERAL (SELECT CASE s.kind WHEN 'captured' THEN 1 ELSE -1 END AS sign) AS f
WHERE s.kind IN ('captured', 'refunded') AND s.effective_on BETWEEN $1 AND $2
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: report_lots
-- What is left in lots by the full months until it expires from a day ($1) on; no month for what never does.
SELECT ((extract(year FROM a.gap) * 12 + extract(month FROM a.gap)))::integer AS months, l.pending,
       count(*) AS lots, sum(l.remaining)::bigint AS points
FROM lot AS l
CROSS JOIN LATERAL (SELECT age(l.expires_on, $1::date) AS gap) AS a
WHERE l.remaining > 0 AND (l.expires_on IS NULL OR l.expires_on > $1::date)
GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2;

-- name: report_held
SELECT count(*) FILTER (WHERE held > 0) AS members, coalesce(sum(held), 0)::bigint AS held,
       coalesce(sum(debt), 0)::bigint AS debt
FROM member;

-- name: report_cost
-- Points that partners gave and took from a day ($1) to another ($2), and the money owed for them.
SELECT x.partner, x.currency, sum(x.given)::bigint AS given, sum(x.due)::bigint AS due, sum(x.redeemed)::bigint AS redeemed,
       sum(x.money)::bigint AS money, sum(x.adjusted)::bigint AS adjusted
FROM (SELECT s.partner, r.currency, 0::bigint AS given, 0::bigint AS due,
             CASE s.kind WHEN 'captured' THEN s.points ELSE -s.points END AS redeemed,
             CASE s.kind WHEN 'captured' THEN s.value ELSE -s.value END AS money, 0::bigint AS adjusted
      FROM redemption_step AS s
      JOIN redemption AS r ON r.shard = s.shard AND r.redemption_id = s.redemption_id
      WHERE s.kind IN ('captured', 'refunded') AND s.effective_on BETWEEN $1 AND $2
      UNION ALL
      SELECT a.partner, a.currency, CASE a.kind WHEN 'accrued' THEN a.points ELSE -a.points END,
             CASE a.kind WHEN 'accrued' THEN a.money ELSE -a.money END, 0, 0, 0
      FROM accrual AS a WHERE a.effective_on BETWEEN $1 AND $2
      UNION ALL
      SELECT d.partner, d.currency, 0, 0, 0, 0, d.money
      FROM settlement_adjustment AS d WHERE d.effective_on BETWEEN $1 AND $2) AS x
GROUP BY x.partner, x.currency ORDER BY x.partner, x.currency;

-- name: report_issued
-- Points that were issued, redeemed, lost and given by hand from a day ($1) to another ($2).
SELECT t.debit, t.credit, sum(t.amount)::bigint AS points
FROM transfer AS t
WHERE t.unit = 'points' AND t.effective_on BETWEEN $1 AND $2
GROUP BY t.debit, t.credit;

-- name: report_properties
-- Captures and refunds from a day ($1) to another ($2), to be split by the hotels whose points they were.
SELECT s.shard, s.redemption_id, s.journal_id, s.kind, s.partner, r.currency, s.points, s.value AS money
FROM redemption_step AS s
JOIN redemption AS r ON r.shard = s.shard AND r.redemption_id = s.redemption_id
WHERE s.kind IN ('captured', 'refunded') AND s.effective_on BETWEEN $1 AND $2
ORDER BY s.partner, s.journal_id;
