"""The event log: appended to, read, followed, verified; views over it; where it is kept."""
