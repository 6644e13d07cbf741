"""Which phases may be taken now, and why the others may not."""
