-- Versions of the program.

-- name: read_generation
SELECT generation FROM program_generation;

-- name: read_versions
-- All versions, the first in force first.
SELECT version, program, effective_from, definition, published_by, published_at FROM program_version ORDER BY effective_from;

-- name: lock_versions
-- One publishes at a time.
SELECT generation FROM program_generation FOR UPDATE;

-- name: last_judged
-- The last check-out that a stay was judged at: from the day after, no version has been used.
SELECT max(effective_on) FROM journal
WHERE kind IN ('stay_posted', 'stay_revised', 'stay_reversed', 'stay_moved_in');

-- name: newest_journals
-- The newest journal of each shard, if it has any.
SELECT s.shard, (SELECT j.journal_id FROM journal AS j WHERE j.shard = s.shard ORDER BY j.journal_id DESC LIMIT 1)
FROM shard AS s;

-- name: hold_posters
-- Wait for whoever is writing to a member or has locked one, and keep others from it until the transaction ends. Whatever
-- was decided before and is written afterwards finds another generation.
LOCK TABLE member IN EXCLUSIVE MODE;

-- name: last_judged_since
-- The last check-out that a stay was judged at in journals of shards ($1), each from an id on ($2).
SELECT max(j.effective_on)
FROM unnest($1::smallint[], $2::uuid[]) AS s (shard, journal_id)
CROSS JOIN LATERAL (SELECT e.effective_on FROM journal AS e
                    WHERE e.shard = s.shard AND e.journal_id >= s.journal_id
                      AND e.kind IN ('stay_posted', 'stay_revised', 'stay_reversed', 'stay_moved_in')
                    ORDER BY e.journal_id OFFSET 0) AS j;

-- name: write_version
INSERT INTO program_version (version, program, effective_from, definition, digest, published_by, published_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: withdraw_version
DELETE FROM program_version WHERE version = $1;

-- name: next_generation
UPDATE program_generation SET generation = generation + 1 RETURNING generation;

-- name: review_all
-- Have every member reviewed who has something counted and not all of these units by day: they have to be counted again.
UPDATE member SET review_on = '1970-01-01'
WHERE counters::text <> '{}' AND NOT coalesce(traits -> 'by_day', '[]') @> to_jsonb($1::text[]);

-- name: review_from
-- Have every member reviewed on $1 or before who has something counted or given: tiers are others from that day on.
UPDATE member SET review_on = $1
WHERE (counters::text <> '{}' OR traits ? 'statuses') AND (review_on IS NULL OR review_on > $1);

-- name: read_pools
SELECT promotion, budget, leased FROM promotion_pool ORDER BY promotion;

-- name: write_pool
-- What is leased already stays leased.
INSERT INTO promotion_pool AS p (promotion, budget) VALUES ($1, $2)
ON CONFLICT (promotion) DO UPDATE SET budget = greatest(excluded.budget, p.leased);
