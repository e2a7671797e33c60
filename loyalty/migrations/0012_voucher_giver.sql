-- Whose a voucher was that went to whoever holds the code: the member's key doesn't redeem it.
ALTER TABLE voucher
    ADD COLUMN giver_id uuid,
    ADD CONSTRAINT only_what_is_nobodys_has_a_giver
        CHECK (giver_id IS NULL OR (holder_id IS NULL AND handed_over > 0));
