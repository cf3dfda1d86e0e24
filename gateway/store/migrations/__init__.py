"""Numbered SQL files, each applied once."""
