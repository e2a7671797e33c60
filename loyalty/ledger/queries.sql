-- What is read of the books.

-- name: read_members
-- Members by id or by number, with what of their open lots expires when, what of these is pending until when, and the
-- choices of rewards that wait to be made; the store leaves these out where the program has none. `place` is the place in
-- the arrays.
SELECT w.place, m.shard, m.member_id, m.number, m.status, m.enrolled_on, m.version, m.available, m.held, m.debt,
       m.counters, m.next_expiry, m.traits, m.tier, m.review_on, m.pending, m.active_on, l.days, l.points, p.opening,
       c.choices
FROM unnest($1::smallint[], $2::uuid[], $3::text[]) WITH ORDINALITY AS w (shard, member_id, number, place)
CROSS JOIN LATERAL ((SELECT * FROM member AS n
                     WHERE n.shard = w.shard AND n.member_id BETWEEN w.member_id AND w.member_id ORDER BY n.member_id)
                    UNION ALL
                    SELECT * FROM member AS n WHERE n.shard = w.shard AND n.number = w.number
                    LIMIT 1) AS m
CROSS JOIN LATERAL (
    SELECT array_agg(d.day) AS days, array_agg(d.points) AS points
    FROM (SELECT o.expires_on AS day, sum(o.remaining)::bigint AS points
          FROM lot AS o
          WHERE o.shard = m.shard AND o.member_id = m.member_id AND o.remaining > 0 AND o.expires_on IS NOT NULL
          GROUP BY o.expires_on ORDER BY o.expires_on) AS d) AS l
CROSS JOIN LATERAL (
    SELECT array_agg(ROW(d.opens_on, d.expires_on, d.points)) AS opening
    FROM (SELECT o.opens_on, o.expires_on, sum(o.remaining)::bigint AS points
          FROM lot AS o
          WHERE m.pending > 0 AND o.shard = m.shard AND o.member_id = m.member_id AND o.pending AND o.remaining > 0
          GROUP BY o.opens_on, o.expires_on ORDER BY o.opens_on, o.expires_on) AS d) AS p
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('reward_id', replace(r.reward_id::text, '-', ''), 'milestone', r.milestone,
                                      'program', r.program, 'choose_by', r.choose_by)
                    ORDER BY r.choose_by, r.reward_id) AS choices
    FROM reward AS r
    WHERE r.shard = m.shard AND r.member_id = m.member_id AND r.status = 'open') AS c;

-- name: lock_member_to_read
-- Wait until nothing of this member is in flight: then what was recorded up to now is all there.
SELECT 1 FROM member WHERE shard = $1 AND member_id BETWEEN $2 AND $2 ORDER BY member_id FOR SHARE;

-- name: fold_transfers
-- What a member's transfers come to, by unit and day, as far as effective by $3 and recorded by $4. Points that are
-- pending are counted with those that are available: the lots tell which they are on a day. What was held is told apart.
SELECT t.unit, t.effective_on AS day,
       sum(CASE WHEN t.credit IN ('available', 'pending', 'counted') THEN t.amount ELSE 0 END
           - CASE WHEN t.debit IN ('available', 'pending', 'counted') THEN t.amount ELSE 0 END)::bigint AS amount,
       sum(CASE 'held' WHEN t.credit THEN t.amount WHEN t.debit THEN -t.amount ELSE 0 END)::bigint AS held
FROM (SELECT e.journal_id FROM journal AS e
      WHERE e.shard = $1 AND e.member_id = $2 AND e.recorded_at <= $4 ORDER BY e.version OFFSET 0) AS j
CROSS JOIN LATERAL (SELECT * FROM transfer AS e
                    WHERE e.shard = $1 AND e.journal_id = j.journal_id AND e.effective_on <= $3 OFFSET 0) AS t
GROUP BY t.unit, t.effective_on;

-- name: fold_lots
-- What was left of a member's lots, by the days they open and expire, as far as effective by $3 and recorded by $4.
-- Points expire on the lot's own day, or on the day they lapsed, once that was recorded. What a reversal takes was never
-- earned: it counts from the day its transfers say, and what it takes back from an expiry only up to that expiry. What
-- came back after that day expired on the day it came: until then there was nothing of it.
SELECT l.opens_on, CASE WHEN lapse.day > $3 THEN lapse.day ELSE l.expires_on END AS expires_on,
       sum(greatest(0, l.amount - coalesce(taken.amount, 0)))::bigint AS points
FROM (SELECT e.journal_id FROM journal AS e
      WHERE e.shard = $1 AND e.member_id = $2 AND e.recorded_at <= $4 ORDER BY e.version OFFSET 0) AS j
CROSS JOIN LATERAL (SELECT * FROM lot AS e WHERE e.shard = $1 AND e.lot_id = j.journal_id LIMIT 1) AS l
LEFT JOIN LATERAL (
    SELECT l.lapsed_on AS day
    FROM allocation AS a
    CROSS JOIN LATERAL (SELECT e.recorded_at FROM journal AS e
                        WHERE e.shard = $1 AND e.journal_id BETWEEN a.journal_id AND a.journal_id
                        ORDER BY e.journal_id LIMIT 1) AS taker
    WHERE l.lapsed_on IS NOT NULL AND a.shard = $1 AND a.lot_id = l.lot_id AND a.kind = 'expiry'
      AND taker.recorded_at <= $4
    LIMIT 1) AS lapse ON true
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN a.kind IN ('release', 'refund') THEN -a.amount ELSE a.amount END) AS amount
    FROM allocation AS a
    CROSS JOIN LATERAL (SELECT e.kind, e.effective_on, e.recorded_at FROM journal AS e
                        WHERE e.shard = $1 AND e.journal_id BETWEEN a.journal_id AND a.journal_id
                        ORDER BY e.journal_id LIMIT 1) AS taker
    WHERE a.shard = $1 AND a.lot_id = l.lot_id AND taker.recorded_at <= $4
      AND (a.kind <> 'expired_reversal' OR coalesce(lapse.day, l.expires_on) > $3)
      AND CASE
            WHEN a.kind = 'expiry' THEN CASE taker.kind WHEN 'lapsed' THEN taker.effective_on ELSE l.expires_on END
            WHEN a.kind IN ('reversal', 'expired_reversal') THEN
                (SELECT min(t.effective_on) FROM transfer AS t
                 WHERE t.shard = $1 AND t.journal_id = a.journal_id AND t.debit IN ('available', 'pending'))
            ELSE taker.effective_on
          END <= $3) AS taken ON true
WHERE l.earned_on <= $3
GROUP BY 1, 2
HAVING sum(greatest(0, l.amount - coalesce(taken.amount, 0))) > 0
ORDER BY 2, 1;

-- name: read_statement
-- A page of journals before version $3, newest first, with what each moved, and what a posting of a stay was answered.
SELECT j.journal_id, j.version, j.kind, j.effective_on, j.recorded_at, j.reason, j.actor, j.stay_id, j.linked_id,
       j.balance, t.parts, said.reply
FROM journal AS j
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_object(
               'kind', p.kind, 'unit', p.unit, 'amount', side.amount,
               'pending', side.account = 'pending') ORDER BY p.line, side.account), '[]') AS parts
    FROM transfer AS p
    CROSS JOIN LATERAL (VALUES (p.credit, p.amount), (p.debit, -p.amount)) AS side (account, amount)
    WHERE p.shard = j.shard AND p.journal_id = j.journal_id
      AND side.account IN ('available', 'pending', 'counted')) AS t
LEFT JOIN LATERAL (
    SELECT r.reply FROM stay_revision AS r
    WHERE r.shard = j.shard AND r.stay_id = j.stay_id AND r.journal_id = j.journal_id LIMIT 1) AS said ON true
WHERE j.shard = $1 AND j.member_id = $2 AND j.version < $3
ORDER BY j.version DESC
LIMIT $4;

-- name: find_due_members
-- Members of a shard with a lot that may have opened or expired by $2, from where the last page ended.
SELECT member_id FROM member
WHERE shard = $1 AND next_expiry <= $2 AND member_id > $3
ORDER BY member_id
LIMIT $4;

-- name: find_idle_members
-- Members of a shard whose points lapse before anybody would look at them: nothing has been done with them since the rule
-- came into force, by which points lapse $3 months after the last activity, but not before $4. All members are looked
-- through: an index would have to be kept with each posting.
SELECT member_id FROM member
WHERE shard = $1 AND member_id > $2 AND (available > 0 OR pending > 0)
  AND (active_on IS NULL OR next_expiry IS NULL
       OR next_expiry > greatest((active_on + make_interval(months => $3::integer))::date, $4::date))
ORDER BY member_id
LIMIT $5;

-- name: find_members_to_review
-- Members of a shard whose tier may have changed by $2, from where the last page ended.
SELECT member_id FROM member
WHERE shard = $1 AND review_on <= $2 AND member_id > $3
ORDER BY member_id
LIMIT $4;

-- name: fold_accounts
-- Fold what batches have added to the program's accounts into their totals.
WITH folded AS (
    DELETE FROM account_delta WHERE shard = $1 RETURNING account, unit, amount
)
INSERT INTO account_total AS total (shard, account, unit, amount)
SELECT $1::smallint, account, unit, sum(amount)::bigint FROM folded GROUP BY account, unit ORDER BY account, unit
ON CONFLICT (shard, account, unit) DO UPDATE SET amount = total.amount + excluded.amount;
