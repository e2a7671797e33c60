"""Vouchers: codes that prove what somebody is entitled to, from the day they are issued until they are redeemed."""
