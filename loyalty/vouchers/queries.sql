-- What is read of vouchers; they are written with the batch that changes them.

-- name: find_by_code
-- The voucher whose code has hash $2, in shard $1.
SELECT voucher_id, member_id, source, redemption_id, kind, item, partner, number, transferable, valid_from, valid_to,
       status, handed_over, holder_id, property, journal_id, changed_by, changed_at
FROM voucher WHERE shard = $1 AND code_hash = $2;

-- name: find_vouchers
-- Vouchers of shard $1 by their ids.
SELECT voucher_id, member_id, source, redemption_id, kind, item, partner, number, transferable, valid_from, valid_to,
       status, handed_over, holder_id, property, journal_id, changed_by
FROM voucher WHERE shard = $1 AND voucher_id = ANY ($2::uuid[]);

-- name: find_of_redemptions
-- All vouchers of redemptions of shard $1, in the order of their numbers.
SELECT voucher_id, member_id, source, redemption_id, kind, item, partner, number, transferable, valid_from, valid_to,
       status, handed_over, holder_id, property, journal_id, changed_by
FROM voucher WHERE shard = $1 AND redemption_id = ANY ($2::uuid[])
ORDER BY redemption_id, number;

-- name: find_of_benefits
-- The vouchers that members, and accounts merged into theirs, have for uses of tiers' benefits, whatever became of them;
-- with whose they are now, the oldest first.
WITH RECURSIVE account AS (
    SELECT w.member_id AS survivor, w.member_id FROM unnest($1::uuid[]) AS w (member_id)
    UNION
    SELECT a.survivor, m.member_id
    FROM member_merge AS m JOIN account AS a ON m.into_id = a.member_id WHERE m.status = 'merged'
)
SELECT v.voucher_id, v.member_id, v.source, v.redemption_id, v.kind, v.item, v.partner, v.number, v.transferable,
       v.valid_from, v.valid_to, v.status, v.handed_over, v.holder_id, v.property, v.journal_id, v.changed_by, a.survivor
FROM account AS a JOIN voucher AS v ON v.member_id = a.member_id AND v.source = 'benefit'
ORDER BY v.voucher_id;

-- name: find_due_vouchers
-- Vouchers of members of shard $1 whose time is up by $3, those of rewards left out.
SELECT voucher_id, member_id, source, redemption_id, kind, item, partner, number, transferable, valid_from, valid_to,
       status, handed_over, holder_id, property, journal_id, changed_by
FROM voucher
WHERE shard = $1 AND member_id = ANY ($2::uuid[]) AND status = 'issued' AND source <> 'reward' AND valid_to <= $3::date
ORDER BY valid_to, voucher_id;

-- name: find_members_with_due_vouchers
-- Members of shard $1 with a voucher whose time is up by $2, from where the last page ended.
SELECT DISTINCT member_id FROM voucher
WHERE shard = $1 AND status = 'issued' AND source <> 'reward' AND valid_to <= $2::date AND member_id > $3
ORDER BY member_id
LIMIT $4;

-- name: list_vouchers
-- A page of the vouchers before $2 of member $1 and of accounts merged into it, newest first: its own, and those handed
-- over to it. Of the statuses $3, all if it is null.
WITH RECURSIVE account AS (
    SELECT $1::uuid AS member_id
    UNION
    SELECT m.member_id FROM member_merge AS m JOIN account AS a ON m.into_id = a.member_id WHERE m.status = 'merged'
)
SELECT v.voucher_id, v.member_id, v.source, v.redemption_id, v.kind, v.item, v.partner, v.number, v.transferable,
       v.valid_from, v.valid_to, v.status, v.handed_over, v.holder_id, v.property, v.journal_id, v.changed_by,
       v.changed_at,
       (v.handed_over = 0 OR v.holder_id IN (SELECT member_id FROM account)) IS TRUE AS mine
FROM voucher AS v
WHERE v.voucher_id < $2 AND ($3::text[] IS NULL OR v.status = ANY ($3::text[]))
  AND v.voucher_id IN (SELECT o.voucher_id FROM voucher AS o JOIN account AS a ON o.member_id = a.member_id
                       UNION ALL
                       SELECT o.voucher_id FROM voucher AS o JOIN account AS a ON o.holder_id = a.member_id)
ORDER BY v.voucher_id DESC
LIMIT $4;
