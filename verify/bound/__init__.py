"""What correct floating-point evaluation of a step can give (BOUND.md)."""
