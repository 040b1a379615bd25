"""What correct floating-point evaluation may print in place of a right number."""
