-- What the rules may know of a member besides the books.
ALTER TABLE member
    ADD COLUMN traits    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(traits) = 'object'),
    ADD COLUMN tier      text NOT NULL DEFAULT '',
    ADD COLUMN review_on date;

ALTER TYPE batch_item ADD ATTRIBUTE traits jsonb;
