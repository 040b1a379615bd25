"""The chain rule: `Graph` → `Derivation`, its paths and closed forms."""
