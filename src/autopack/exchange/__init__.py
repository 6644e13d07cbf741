"""What comes from other files and goes to them: run files, traces, histories, reports."""
