"""A problem file, or equations, → the frozen `Problem`."""
