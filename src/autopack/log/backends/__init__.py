"""Where logs are stored: SQLite files, memory, and what plugins add by URL scheme."""
