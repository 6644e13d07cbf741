"""Strategies: pure functions of a ``DrainView``, one a module."""
