"""Whether work is right: by programs, functions and plugins, in time and again afterwards."""
