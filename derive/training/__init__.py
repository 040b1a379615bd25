"""Training in the paper notation: optimizers, schedulers, lr, clipping, groups, and what each setting may be."""
