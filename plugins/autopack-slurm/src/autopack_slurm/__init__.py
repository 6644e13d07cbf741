"""Autopack workers as Slurm jobs."""
