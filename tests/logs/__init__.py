"""Logs that releases recorded; each replays for ever."""
