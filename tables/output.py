"""What `verify` prints and writes: the presenter its command line is given."""

from tables.audit import to_json as audit_to_json
from tables.files import write_audit, write_comparison
from tables.json_report import to_json
from tables.text.audit import to_text as audit_to_text
from tables.text.report import to_text

__all__ = ["audit_to_json", "audit_to_text", "to_json", "to_text", "write_audit", "write_comparison"]
