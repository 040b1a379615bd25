"""Claimed formulas: read, then proved, refuted or left undecided."""
