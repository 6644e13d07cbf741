"""What each page tells: ``read(log, asked)`` of a log that may be one of the past."""
