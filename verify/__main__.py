"""`python -m verify`."""

import sys

from derive.guard import run
from tables import output
from verify.command import main

if __name__ == "__main__":
    sys.exit(run(lambda: main(None, output)))
