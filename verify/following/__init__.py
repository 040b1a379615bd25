"""What is right at a step, and what follows from the author's own numbers."""
