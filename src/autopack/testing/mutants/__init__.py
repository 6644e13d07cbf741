"""
Broken plugins, each of which fails its contract suite in the test that is named for it.

They prove that a suite bites: one that a mutant passes would let the same fault pass in yours.
"""

from autopack.testing.mutants.registry import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant"]
