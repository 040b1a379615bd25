"""`python -m derive`."""

from derive.console import end_with


def _command() -> int:
    """The command, imported under the guard: the import takes long enough for a Ctrl-C."""
    from derive.command import main

    return main()


if __name__ == "__main__":
    end_with(_command)
