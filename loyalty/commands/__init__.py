"""One pure file per verb: facts + program + command + moment -> a decision or a refusal.

`verbs.py` lists them. The shell around them goes one way: `batch.py` reads the members of a batch, `gathering.py` what
else its commands have to know, `deciding.py` lets each decide, and `budgets.py` leases what it draws on; `store.py`
writes.
"""
