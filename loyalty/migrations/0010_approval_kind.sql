-- A second person approves adjustments of settlement too, above the program's limit.
ALTER TABLE approval ADD COLUMN kind text NOT NULL DEFAULT 'compensation'
    CHECK (kind IN ('compensation', 'settlement_adjustment'));
