"""What ``autopack doctor`` looks at, by subject: the installation, the log's file, the log."""
