"""Run `python -m avfbel` as the `avfbel` command."""

from avfbel.cli import main

if __name__ == "__main__":
    main()
