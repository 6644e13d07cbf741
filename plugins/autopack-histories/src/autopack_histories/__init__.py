"""Importers of the histories that other tools keep."""
