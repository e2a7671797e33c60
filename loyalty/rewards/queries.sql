-- What is read of rewards. $1 is the shard, unless said otherwise.

-- name: find_given
-- What crossings have given and is not revoked, with whether any of its points were spent.
SELECT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code, r.points,
       r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by,
       r.kind = 'points' AND (SELECT a.amount FROM allocation AS a
                              WHERE a.shard = $1 AND a.lot_id BETWEEN r.journal_id AND r.journal_id
                                AND a.kind = 'spend' ORDER BY a.lot_id LIMIT 1) IS NOT NULL AS spent
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::integer[]) AS w (member_id, milestone, period, ordinal)
CROSS JOIN LATERAL (SELECT * FROM reward AS e
                    WHERE e.shard = $1 AND e.member_id = w.member_id AND e.milestone = w.milestone
                      AND e.period = w.period AND e.ordinal = w.ordinal AND e.status <> 'revoked'
                    ORDER BY e.part OFFSET 0) AS r
ORDER BY r.reward_id;

-- name: find_taken_back
-- What crossings have given and is revoked: looked for among all that the member was given.
SELECT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code, r.points,
       r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::integer[]) AS w (member_id, milestone, period, ordinal)
CROSS JOIN LATERAL (SELECT * FROM reward AS e
                    WHERE e.shard = $1 AND e.member_id = w.member_id AND e.milestone = w.milestone
                      AND e.period = w.period AND e.ordinal = w.ordinal AND e.status = 'revoked'
                    ORDER BY e.reward_id OFFSET 0) AS r;

-- name: find_alive
-- What a member's crossings have given and is not revoked, with whether any of its points were spent.
SELECT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code, r.points,
       r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by,
       r.kind = 'points' AND (SELECT a.amount FROM allocation AS a
                              WHERE a.shard = $1 AND a.lot_id BETWEEN r.journal_id AND r.journal_id
                                AND a.kind = 'spend' ORDER BY a.lot_id LIMIT 1) IS NOT NULL AS spent
FROM reward AS r
WHERE r.shard = $1 AND r.member_id = $2 AND r.status <> 'revoked'
ORDER BY r.reward_id;

-- name: find_lots_of_rewards
-- The lots of rewards in points, open or not.
SELECT lot_id, member_id, amount, remaining, expired, earned_on, expires_on, opens_on, pending, lapsed_on
FROM lot WHERE shard = $1 AND lot_id = ANY ($2::uuid[]);

-- name: find_rewards
-- Rewards by their ids, each with all else that the same crossing gave.
SELECT DISTINCT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code,
       r.points, r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by
FROM unnest($2::uuid[]) AS w (reward_id)
CROSS JOIN LATERAL (SELECT * FROM reward AS e
                    WHERE e.shard = $1 AND e.reward_id BETWEEN w.reward_id AND w.reward_id
                    ORDER BY e.reward_id LIMIT 1) AS o
CROSS JOIN LATERAL (SELECT * FROM reward AS e
                    WHERE e.shard = $1 AND e.member_id = o.member_id AND e.milestone = o.milestone
                      AND e.period = o.period AND e.ordinal = o.ordinal
                    OFFSET 0) AS r
ORDER BY r.reward_id;

-- name: find_due_rewards
-- Rewards of members that something has to be done about by $3, each with all else that the same crossing gave.
SELECT DISTINCT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code,
       r.points, r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by
FROM unnest($2::uuid[]) AS w (member_id)
CROSS JOIN LATERAL (SELECT * FROM reward AS e
                    WHERE e.shard = $1 AND e.member_id = w.member_id AND e.status IN ('open', 'issued')
                      AND e.kind <> 'points'
                      AND (CASE e.status WHEN 'open' THEN e.choose_by + 1 ELSE e.valid_to END) <= $3::date
                    ORDER BY e.reward_id OFFSET 0) AS o
CROSS JOIN LATERAL (SELECT * FROM reward AS e
                    WHERE e.shard = $1 AND e.member_id = o.member_id AND e.milestone = o.milestone
                      AND e.period = o.period AND e.ordinal = o.ordinal AND e.status <> 'revoked'
                    ORDER BY e.part OFFSET 0) AS r
ORDER BY r.reward_id;

-- name: find_members_with_due_rewards
-- Members of a shard with a reward that something has to be done about by $2, from where the last page ended.
SELECT DISTINCT o.member_id
FROM (SELECT member_id FROM reward
      WHERE shard = $1 AND status IN ('open', 'issued') AND kind <> 'points'
        AND (CASE status WHEN 'open' THEN choose_by + 1 ELSE valid_to END) <= $2::date AND member_id > $3
      ORDER BY (CASE status WHEN 'open' THEN choose_by + 1 ELSE valid_to END) OFFSET 0) AS o
ORDER BY o.member_id
LIMIT $4;

-- name: list_rewards
-- A page of a member's rewards before reward $3, newest first; of the statuses $4, all if it is null. Of a choice to
-- make, the codes that the same crossing gave besides.
SELECT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code, r.points,
       r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by,
       CASE r.status WHEN 'open' THEN
           ARRAY(SELECT s.code FROM reward AS s
                 WHERE s.shard = r.shard AND s.member_id = r.member_id AND s.milestone = r.milestone
                   AND s.period = r.period AND s.ordinal = r.ordinal AND s.status <> 'revoked'
                   AND s.reward_id <> r.reward_id) END AS taken
FROM reward AS r
WHERE r.shard = $1 AND r.member_id = $2 AND r.reward_id < $3 AND ($4::text[] IS NULL OR r.status = ANY ($4::text[]))
ORDER BY r.reward_id DESC
LIMIT $5;

-- name: list_flagged
-- A page of what was used and then lost its milestone, of all shards, newest first, before reward $1; with the members'
-- numbers.
SELECT r.reward_id, r.member_id, r.milestone, r.period, r.ordinal, r.part, r.program, r.status, r.kind, r.code, r.points,
       r.granted_on, r.choose_by, r.valid_to, r.journal_id, r.changed_by, m.number
FROM reward AS r
CROSS JOIN LATERAL (SELECT * FROM member AS e
                    WHERE e.shard = r.shard AND e.member_id BETWEEN r.member_id AND r.member_id
                    ORDER BY e.member_id LIMIT 1) AS m
WHERE r.status = 'flagged' AND r.reward_id < $1
ORDER BY r.reward_id DESC
LIMIT $2;
