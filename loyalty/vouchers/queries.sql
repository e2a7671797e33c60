-- What is read of vouchers; they are written with the batch that changes them.

-- name: find_by_code
-- The voucher whose code has hash $2, in shard $1.
SELECT voucher_id, member_id, source, redemption_id, kind, item, partner, number, transferable, valid_from, valid_to,
       status, handed_over, holder_id, property, journal_id, changed_by, giver_id, changed_at
FROM voucher WHERE shard = $1 AND code_hash = $2;

-- name: find_vouchers
-- Vouchers of shard $1 by their ids.
SELECT v.voucher_id, v.member_id, v.source, v.redemption_id, v.kind, v.item, v.partner, v.number, v.transferable,
       v.valid_from, v.valid_to, v.status, v.handed_over, v.holder_id, v.property, v.journal_id, v.changed_by, v.giver_id
FROM (SELECT DISTINCT unnest($2::uuid[])) AS w (voucher_id)
CROSS JOIN LATERAL (SELECT * FROM voucher AS e
                    WHERE e.shard = $1 AND e.voucher_id BETWEEN w.voucher_id AND w.voucher_id
                    ORDER BY e.voucher_id LIMIT 1) AS v;

-- name: find_of_redemptions
-- All vouchers of redemptions of shard $1, in the order of their numbers.
SELECT voucher_id, member_id, source, redemption_id, kind, item, partner, number, transferable, valid_from, valid_to,
       status, handed_over, holder_id, property, journal_id, changed_by, giver_id
FROM voucher WHERE shard = $1 AND redemption_id = ANY ($2::uuid[])
ORDER BY redemption_id, number;

-- name: find_of_benefits
-- The vouchers that members, and accounts merged into theirs, have for uses of tiers' benefits, whatever became of them;
-- with whose they are now, the oldest first.
WITH RECURSIVE account AS (
    SELECT w.member_id AS survivor, w.member_id FROM unnest($1::uuid[]) AS w (member_id)
    UNION
    SELECT a.survivor, m.member_id
    FROM account AS a
    CROSS JOIN LATERAL (SELECT * FROM member_merge AS e
                        WHERE e.into_id = a.member_id AND e.status = 'merged' OFFSET 0) AS m
)
SELECT v.voucher_id, v.member_id, v.source, v.redemption_id, v.kind, v.item, v.partner, v.number, v.transferable,
       v.valid_from, v.valid_to, v.status, v.handed_over, v.holder_id, v.property, v.journal_id, v.changed_by, v.giver_id, a.survivor
FROM account AS a
CROSS JOIN LATERAL (SELECT * FROM voucher AS e
                    WHERE e.member_id = a.member_id AND e.source = 'benefit' ORDER BY e.voucher_id OFFSET 0) AS v
ORDER BY v.voucher_id;

-- name: find_due_vouchers
-- Vouchers of members of shard $1 whose time is up by $3, those of rewards left out.
SELECT v.voucher_id, v.member_id, v.source, v.redemption_id, v.kind, v.item, v.partner, v.number, v.transferable,
       v.valid_from, v.valid_to, v.status, v.handed_over, v.holder_id, v.property, v.journal_id, v.changed_by, v.giver_id
FROM (SELECT DISTINCT unnest($2::uuid[])) AS w (member_id)
CROSS JOIN LATERAL (SELECT * FROM voucher AS e WHERE e.member_id = w.member_id ORDER BY e.voucher_id OFFSET 0) AS v
WHERE v.shard = $1 AND v.status = 'issued' AND v.source <> 'reward' AND v.valid_to <= $3::date
ORDER BY v.valid_to, v.voucher_id;

-- name: find_members_with_due_vouchers
-- Members of shard $1 with a voucher whose time is up by $2, from where the last page ended.
SELECT DISTINCT o.member_id
FROM (SELECT member_id FROM voucher
      WHERE shard = $1 AND status = 'issued' AND source <> 'reward' AND valid_to <= $2::date AND member_id > $3
      ORDER BY valid_to OFFSET 0) AS o
ORDER BY o.member_id
LIMIT $4;

-- name: list_vouchers
-- A page of the vouchers before $2 of member $1 and of accounts merged into it, newest first: its own, and those handed
-- over to it. Of the statuses $3, all if it is null.
WITH RECURSIVE account AS (
    SELECT $1::uuid AS member_id
    UNION
    SELECT m.member_id
    FROM account AS a
    CROSS JOIN LATERAL (SELECT * FROM member_merge AS e
                        WHERE e.into_id = a.member_id AND e.status = 'merged' OFFSET 0) AS m
)
SELECT v.voucher_id, v.member_id, v.source, v.redemption_id, v.kind, v.item, v.partner, v.number, v.transferable,
       v.valid_from, v.valid_to, v.status, v.handed_over, v.holder_id, v.property, v.journal_id, v.changed_by, v.giver_id,
       v.changed_at,
       (v.handed_over = 0 OR v.holder_id IN (SELECT member_id FROM account)) IS TRUE AS mine
FROM (SELECT o.*
      FROM account AS a
      CROSS JOIN LATERAL (SELECT * FROM voucher AS e
                          WHERE e.member_id = a.member_id AND e.voucher_id < $2
                            AND ($3::text[] IS NULL OR e.status = ANY ($3::text[]))
                          ORDER BY e.voucher_id DESC LIMIT $4) AS o
      UNION
      SELECT o.*
      FROM account AS a
      CROSS JOIN LATERAL (SELECT * FROM voucher AS e
                          WHERE e.holder_id = a.member_id AND e.voucher_id < $2
                            AND ($3::text[] IS NULL OR e.status = ANY ($3::text[]))
                          ORDER BY e.voucher_id DESC LIMIT $4) AS o) AS v
ORDER BY v.voucher_id DESC
LIMIT $4;
