"""Stays: the snapshot a PMS posts, its revisions, and what it stands for in the books."""
