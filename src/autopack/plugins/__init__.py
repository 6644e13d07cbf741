"""Finds plugins, checks them one by one, keeps what they register, and calls their hooks."""
