"""Autopack workers in Kubernetes."""
