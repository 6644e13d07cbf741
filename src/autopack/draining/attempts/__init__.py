"""One attempt at a phase, from its claim to its recorded end."""
