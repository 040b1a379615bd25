"""`python -m tables`."""

from derive.signals import end_at_once


def _command() -> int:
    """The command, imported when Ctrl-C has its handler: the import takes long enough for one."""
    from tables.command import main

    return main()


if __name__ == "__main__":
    end_at_once()
    from derive.console import end_with

    end_with(_command)
