"""Read models: one a module, frozen rows and ``project()``."""
