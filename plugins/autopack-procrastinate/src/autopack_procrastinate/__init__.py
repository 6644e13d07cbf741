"""Autopack workers as jobs of procrastinate."""
