-- A member's traits name all accounts that it stands for, also those that were merged into one of them before.
CREATE TEMPORARY TABLE behind AS
WITH RECURSIVE account AS (
    SELECT into_id AS survivor_id, member_id FROM member_merge WHERE status = 'merged'
    UNION
    SELECT a.survivor_id, m.member_id
    FROM account AS a
    JOIN member_merge AS m ON m.into_id = a.member_id AND m.status = 'merged'
)
SELECT 'mem_' || replace(survivor_id::text, '-', '') AS survivor, 'mem_' || replace(member_id::text, '-', '') AS name
FROM account;
CREATE INDEX ON behind (survivor);

UPDATE member AS m
SET traits = jsonb_set(m.traits, '{merged}', (
    SELECT jsonb_agg(DISTINCT n.name)
    FROM jsonb_array_elements_text(m.traits -> 'merged') AS direct (name)
    CROSS JOIN LATERAL (SELECT direct.name UNION ALL SELECT b.name FROM behind AS b WHERE b.survivor = direct.name) AS n))
WHERE m.traits ? 'merged';

-- So does what a merge is undone to.
UPDATE member_merge AS m
SET traits = jsonb_set(m.traits::jsonb, '{merged}', (
    SELECT jsonb_agg(DISTINCT n.name)
    FROM jsonb_array_elements_text(m.traits::jsonb -> 'merged') AS direct (name)
    CROSS JOIN LATERAL (SELECT direct.name UNION ALL SELECT b.name FROM behind AS b WHERE b.survivor = direct.name) AS n))::json
WHERE m.status = 'merged' AND m.traits::jsonb ? 'merged';

DROP TABLE behind;
