-- Stays and the hotels they were at.

-- name: read_stay
-- All that was ever said about a stay, newest first.
SELECT r.revision, r.member_id, r.outcome, r.snapshot, r.award, r.reply, r.journal_id, r.recorded_at
FROM stay_revision AS r
WHERE r.shard = $1 AND r.stay_id = $2
ORDER BY r.revision DESC;

-- name: find_stay
SELECT stay_id FROM stay_directory WHERE source = $1 AND property = $2 AND stay_ref = $3 AND leg = $4;

-- name: read_properties
SELECT code, name_en, name_zh, time_zone, currency, brand FROM property ORDER BY code;

-- name: write_property
INSERT INTO property (code, name_en, name_zh, time_zone, currency, brand) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (code) DO UPDATE
SET name_en = excluded.name_en, name_zh = excluded.name_zh, time_zone = excluded.time_zone, currency = excluded.currency,
    brand = excluded.brand;
