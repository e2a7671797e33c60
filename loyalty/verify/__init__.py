"""`loyalty verify`: all that is stored, computed again from the transfers, and compared."""
