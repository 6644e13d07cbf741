"""Protocols and values that cross the layers, by subject."""
