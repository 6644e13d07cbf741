"""What strategies would make of the same work, in memory only."""
