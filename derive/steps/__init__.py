"""The numbered steps of a derivation, before any format."""
