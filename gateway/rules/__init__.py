"""Decisions, and nothing else: pure functions over values; time and ids are passed in."""
