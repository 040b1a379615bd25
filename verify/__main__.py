"""`python -m verify`."""

from derive.signals import end_at_once


def _command() -> int:
    """The command, imported when Ctrl-C has its handler: the import takes long enough for one."""
    from tables import output
    from verify.command import main

    return main(None, output)


if __name__ == "__main__":
    end_at_once()
    from derive.console import end_with

    end_with(_command)
