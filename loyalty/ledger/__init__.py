"""The double-entry ledger: journals, transfers, lots, and the poster that writes them in batches."""
