-- What identifies a person, apart from the ledger.

-- name: read_profile
SELECT sealed_key, name, email, phone, birthday, language FROM vault.profile WHERE shard = $1 AND member_id = $2;
