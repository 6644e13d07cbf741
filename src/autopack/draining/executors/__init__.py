"""Executors that come with the library, one a module."""
