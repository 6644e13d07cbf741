"""Runs, phases and caps: what each of their streams says, and what it may do next."""
