-- What others are told of without a journal being written.

-- name: last_warned
-- The last day of which a shard's warnings are written.
SELECT max(day) FROM expiry_warning WHERE shard = $1;

-- name: claim_warnings
-- Take a shard's warnings of a day upon this transaction; null when another has, or had, them.
INSERT INTO expiry_warning (shard, day) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING day;

-- name: find_losses
-- Members after $5 who may lose points on a day ($2), with what they lose then and the first lot it is in: what expires
-- on that day, or all, if they lapse then: $3 months after the last activity, but not before $4 (both null: never). Those
-- of the members $7 don't lapse.
SELECT m.member_id, l.lot_id, l.points
FROM (SELECT n.member_id,
             CASE WHEN n.active_on IS NOT NULL AND $3::integer IS NOT NULL AND n.member_id <> ALL($7::uuid[])
                  THEN greatest((n.active_on + make_interval(months => $3))::date, $4::date) END AS lapses_on
      FROM member AS n
      WHERE n.shard = $1 AND n.next_expiry <= $2::date AND n.member_id > $5
      ORDER BY n.member_id LIMIT $6) AS m
CROSS JOIN LATERAL (
    SELECT (array_agg(o.lot_id ORDER BY o.lot_id))[1] AS lot_id, sum(o.remaining)::bigint AS points
    FROM (SELECT e.lot_id, e.remaining FROM lot AS e
          WHERE e.shard = $1 AND e.member_id = m.member_id AND e.remaining > 0
            AND least(e.expires_on, m.lapses_on) = $2::date
          ORDER BY e.expires_on OFFSET 0) AS o) AS l
ORDER BY m.member_id;

-- name: find_lapsing
-- Members of a shard with points that lapse on a day ($2), unless their tier spares them: $3 months after the last
-- activity, but not before $4.
SELECT member_id FROM member
WHERE shard = $1 AND next_expiry <= $2::date AND (available > 0 OR pending > 0)
  AND greatest((active_on + make_interval(months => $3::integer))::date, $4::date) = $2::date;

-- name: write_events
INSERT INTO outbox SELECT * FROM unnest($1::outbox[]);
