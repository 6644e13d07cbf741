"""``python -m autopack``: the command line, where its program is not on the path."""

from autopack.cli.main import main

if __name__ == "__main__":
    main()
