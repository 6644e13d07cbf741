"""The suites over their mutants; run by test_mutants.py, since nearly all of it must fail."""

from autopack.testing.mutants import MUTANTS

for mutant in MUTANTS:
    made = mutant.test_class()
    made.__module__ = __name__
    globals()[made.__name__] = made
