"""Bringing other histories in."""
