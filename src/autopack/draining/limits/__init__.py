"""What ends a drain, or holds a phase or a run back: limits, breaker, guards."""
