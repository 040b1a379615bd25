"""What `verify` prints and writes: the presenter its command line is given."""

from tables.files import write_comparison
from tables.report import to_json, to_text

__all__ = ["to_json", "to_text", "write_comparison"]
