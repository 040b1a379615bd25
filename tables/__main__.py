"""`python -m tables`."""

import sys

from derive.guard import run


def _command() -> int:
    """The command, imported under the guard: the import takes long enough for a Ctrl-C."""
    from tables.command import main

    return main()


if __name__ == "__main__":
    sys.exit(run(_command))
