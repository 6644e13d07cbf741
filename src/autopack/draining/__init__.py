"""Takes queued phases through an executor without losing data or burning tokens."""
