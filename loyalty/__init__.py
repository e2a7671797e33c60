"""A hotel loyalty ledger: stays in; points, tiers and milestones out."""

__version__ = "0.1.0"
