"""What a number comes of: those before it, a slip that is copied or hidden, rounding on the way."""
