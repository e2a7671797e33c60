-- The service looks keys up by their hash only; a revoked key is as good as none.

-- name: find_keys
-- $1 hashes bytea[]
SELECT hash, key_id, role, name, properties, partner, member_id
FROM api_key
WHERE hash = ANY ($1::bytea[]) AND revoked_at IS NULL;

-- name: insert_key
INSERT INTO api_key (key_id, role, name, properties, hash, created_at, partner, member_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: list_keys
SELECT key_id, role, name, properties, partner, member_id, created_at, revoked_at
FROM api_key
ORDER BY created_at, key_id;

-- name: revoke_key
-- Says since when the key is revoked; no row when there is no such key. Revoking twice keeps the first time.
UPDATE api_key
SET revoked_at = coalesce(revoked_at, $2)
WHERE key_id = $1
RETURNING name, revoked_at;

-- name: unknown_properties
-- Those of the codes that no property has.
SELECT code FROM unnest($1::text[]) AS code
WHERE NOT EXISTS (SELECT FROM property WHERE property.code = code);

-- name: count_shards
SELECT count(*) FROM shard;

-- name: member_of_number
SELECT member_id FROM member WHERE shard = $1 AND number = $2;

-- name: is_partner
-- Whether there is a partner of this code.
SELECT EXISTS (SELECT FROM partner_version WHERE code = $1);
