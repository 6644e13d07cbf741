"""Folders of attempts in a drain: whose they are, and what is known and recorded of them."""
