-- A member's traits name all accounts that it stands for, also those that were merged into one of them before.
CREATE TEMPORARY VIEW behind AS
WITH RECURSIVE account AS (
    SELECT into_id AS survivor_id, member_id FROM member_merge WHERE status = 'merged'
    UNION
    SELECT a.survivor_id, m.member_id
    FROM account AS a
    JOIN member_merge AS m ON m.into_id = a.member_id AND m.status = 'merged'
)
SELECT 'mem_' || replace(survivor_id::text, '-', '') AS survivor, 'mem_' || replace(member_id::text, '-', '') AS name
FROM account;

UPDATE member AS m
SET traits = jsonb_set(m.traits, '{merged}', (
    SELECT jsonb_agg(n.name)
    FROM (SELECT jsonb_array_elements_text(m.traits -> 'merged') AS name
          UNION
          SELECT name FROM behind WHERE m.traits -> 'merged' ? survivor) AS n))
WHERE m.traits ? 'merged';

-- So does what a merge is undone to.
UPDATE member_merge AS m
SET traits = jsonb_set(m.traits::jsonb, '{merged}', (
    SELECT jsonb_agg(n.name)
    FROM (SELECT jsonb_array_elements_text(m.traits::jsonb -> 'merged') AS name
          UNION
          SELECT name FROM behind WHERE m.traits::jsonb -> 'merged' ? survivor) AS n))::json
WHERE m.status = 'merged' AND m.traits::jsonb ? 'merged';

DROP VIEW behind;
