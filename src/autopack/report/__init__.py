"""Views and proposals as text; nothing here writes a file."""
