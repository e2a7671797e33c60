"""A program as data: its definition, checked and compiled once, and the earning rules it states."""
