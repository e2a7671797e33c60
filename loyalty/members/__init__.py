"""Members: enrolment and the vault that keeps what identifies a person apart from the ledger."""
