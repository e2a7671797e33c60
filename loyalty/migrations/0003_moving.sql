-- Points on the move: gifts, purchases, compensation, referrals, merged members, households.
ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check
    CHECK (kind IN ('enrolled', 'stay_posted', 'stay_revised', 'stay_reversed',
                    'stay_moved_out', 'stay_moved_in', 'adjusted', 'expired',
                    'transfer_sent', 'transfer_received', 'purchased',
                    'compensated', 'referral', 'status_given', 'status_ended',
                    'segments_set', 'registered', 'merged_out', 'merged_in',
                    'household_joined', 'household_left'));
