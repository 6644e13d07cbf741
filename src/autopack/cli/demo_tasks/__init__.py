"""The demo's files: its tasks, and the two executors that answer them; copied, never imported."""
