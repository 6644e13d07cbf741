"""Predictions of output size, and the budgets that follow from them."""
