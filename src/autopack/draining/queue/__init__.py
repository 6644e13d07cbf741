"""Which phases may be taken now, why the others may not, and what ends a drain."""
