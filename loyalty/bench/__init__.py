"""`loyalty bench`: how fast the service is beside what the same machine does without a ledger."""
