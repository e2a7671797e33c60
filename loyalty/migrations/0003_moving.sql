-- The place of the migration that moves points: it comes from another branch.
SELECT 1;
