"""What the library costs, beside what SQLite or a bare interpreter costs in the same run."""
