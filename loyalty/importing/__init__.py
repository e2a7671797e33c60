"""Read stays out of other systems' files: a mapping says which column is what, a sink takes the postings.

Down the stream: `reader` (lines to rows) → `mapper` (rows to postings) → `run` (chunks to a sink) → `summary`.
"""
