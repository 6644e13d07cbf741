"""The functions that ``import autopack`` offers, by subject; the command line calls no others."""
