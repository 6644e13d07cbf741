"""Chains of models: what they cost and achieve by what each model did with the same tasks."""
