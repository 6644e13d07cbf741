"""The SQLite backend: one file that holds log, leases, artifacts and views."""
