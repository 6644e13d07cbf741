"""Fits an estimator's coefficients to what was measured."""
