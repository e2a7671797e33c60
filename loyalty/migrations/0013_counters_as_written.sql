-- Counters are read and written whole by each posting: kept as text, they needn't be taken apart and put together again.
ALTER TABLE member DROP CONSTRAINT member_counters_check;
ALTER TABLE member ALTER COLUMN counters DROP DEFAULT;
ALTER TABLE member
    ALTER COLUMN counters TYPE json USING counters::json,
    ALTER COLUMN counters SET DEFAULT '{}',
    ADD CONSTRAINT member_counters_check CHECK (json_typeof(counters) = 'object');
ALTER TYPE batch_item ALTER ATTRIBUTE counters TYPE json;
