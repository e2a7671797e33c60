"""Partners take points for what lies outside the room: airlines, spas, exhibitions, clinics.

The ledger is ready for them (`hold`, the accounts `held` and `partner:<id>`); redemptions build on it here.
"""
