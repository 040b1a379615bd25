"""`python -m verify`."""

from derive.console import end_with


def _command() -> int:
    """The command, imported under the guard: the import takes long enough for a Ctrl-C."""
    from tables import output
    from verify.command import main

    return main(None, output)


if __name__ == "__main__":
    end_with(_command)
