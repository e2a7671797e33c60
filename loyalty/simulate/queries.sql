-- What a simulation reads, all of it in one snapshot. $1 is the shard.

-- name: work_memory
-- A shard's history is sorted once; what fits into memory needs no file.
SELECT set_config('work_mem', '64MB', true);

-- name: alone
-- Tell whether no other simulation that was asked for over the API runs on this database; it is so until ours ends.
SELECT pg_try_advisory_xact_lock(hashtext('loyalty simulate'));

-- name: shards
SELECT shard FROM shard ORDER BY shard;

-- name: size
SELECT count(*) FROM member WHERE shard = $1;

-- name: brands
SELECT code, brand FROM property WHERE brand <> '';

-- name: histories
-- Every member in the order of ids, with what was said of the member's stays in the order of recording; a row without a
-- stay for a member who had none. What was recorded at the same instant goes by the ids, which sort by when they were
-- minted. Left out: what came too late to change anything (superseded), and the history that a stay takes along when it
-- moves to another member, which names the stay as it was before. A stay that came with a merged account has its award
-- beside it, and is known by a reply that names the stay as it was before.
-- There is no index to go by, and need not be: it is one pass over the table, and one sort.
SELECT m.member_id, m.number, m.status, m.enrolled_on, m.traits, r.stay_id, r.revision, r.outcome, r.recorded_at,
       r.snapshot, r.brand, r.joined, r.merged
FROM member AS m
LEFT JOIN (SELECT s.member_id, s.stay_id, s.revision, s.outcome, s.recorded_at, s.snapshot,
                  s.award ->> 'brand' AS brand, coalesce(s.journal_id, s.stay_id) AS minted,
                  s.outcome <> 'posted' AND s.journal_id IS NOT NULL AS joined,
                  CASE WHEN s.outcome = 'revised'
                            AND s.reply ->> 'stay_id' <> 'sty_' || replace(s.stay_id::text, '-', '')
                       THEN s.award END AS merged
           FROM stay_revision AS s
           WHERE s.shard = $1
             AND (s.journal_id IS NOT NULL
                  OR s.outcome = 'unchanged'
                     AND s.reply ->> 'stay_id' = 'sty_' || replace(s.stay_id::text, '-', ''))) AS r
  ON r.member_id = m.member_id
WHERE m.shard = $1
ORDER BY m.member_id, r.recorded_at, r.minted, r.revision;
