"""The training run in PyTorch: the only package that imports torch."""
