"""One pure file per verb: facts + program + command + moment -> a decision or a refusal.

`batch.py` is the shell around them: it loads the facts of a batch, lets each command decide, and writes.
"""
