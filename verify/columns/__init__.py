"""Judges a long table a column at once, where there is nothing to say of it but that its numbers are right."""
