"""`python -m tables`."""

import sys

from derive.guard import run
from tables.command import main

if __name__ == "__main__":
    sys.exit(run(main))
