"""Tiers and milestones: what the counters of a member amount to."""
