"""Autopack logs in PostgreSQL: ``postgresql://HOST/DATABASE?schema=NAME``."""
