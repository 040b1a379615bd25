"""One expression: its tree, its operations, its derivative by SymPy, its tidy form."""
