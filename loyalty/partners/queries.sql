-- The SQL of partners and offers, and of how many of an offer are left.

-- name: read_generation
SELECT generation FROM catalogue_generation;

-- name: read_partners
-- Versions of partners that came after a generation ($1) and no later than another ($2), oldest first.
SELECT definition, version, generation, changed_by, changed_at FROM partner_version
WHERE generation > $1 AND generation <= $2 ORDER BY generation;

-- name: read_offers
-- Versions of offers that came after a generation ($1) and no later than another ($2), oldest first.
SELECT definition, version, generation, changed_by, changed_at FROM offer_version
WHERE generation > $1 AND generation <= $2 ORDER BY generation;

-- name: next_generation
-- One changes the catalogue at a time, until its transaction ends.
UPDATE catalogue_generation SET generation = generation + 1 RETURNING generation;

-- name: write_partner
INSERT INTO partner_version (code, version, definition, generation, changed_by, changed_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: write_offer
INSERT INTO offer_version (code, version, definition, generation, changed_by, changed_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: read_stock
-- What there is of offers: of all budgets whose name begins so, the number that there are and what is taken.
SELECT p.promotion AS name, p.budget, coalesce((SELECT sum(b.used) FROM promotion_budget AS b
                                                WHERE b.promotion = p.promotion), 0)::bigint AS used
FROM promotion_pool AS p
WHERE starts_with(p.promotion, $1)
ORDER BY p.promotion;

-- name: reclaim_stock
-- Take back what shards have leased of a budget and not used. Whoever counts on it at this moment decides again.
WITH idle AS (
    SELECT shard, allotted - used AS amount FROM promotion_budget
    WHERE promotion = $1 AND allotted > used
    ORDER BY shard FOR UPDATE
), taken AS (
    UPDATE promotion_budget AS b SET allotted = b.allotted - idle.amount FROM idle
    WHERE b.shard = idle.shard AND b.promotion = $1
)
UPDATE promotion_pool SET leased = leased - (SELECT coalesce(sum(amount), 0) FROM idle) WHERE promotion = $1;

-- name: set_stock
-- Say how many there are; nothing comes back when more than that is taken.
INSERT INTO promotion_pool AS p (promotion, budget) VALUES ($1, $2)
ON CONFLICT (promotion) DO UPDATE SET budget = excluded.budget WHERE p.leased <= excluded.budget
RETURNING budget;

-- name: open_stock
-- Say how many there are ($2) of days and times ($1) that nobody has asked for before, as known in a generation ($3);
-- nothing is opened if the catalogue has changed since.
INSERT INTO promotion_pool (promotion, budget)
SELECT s.name, s.amount
FROM (SELECT FROM catalogue_generation WHERE generation = $3 FOR SHARE) AS g,
     unnest($1::text[], $2::bigint[]) AS s (name, amount)
ORDER BY s.name
ON CONFLICT (promotion) DO NOTHING;
