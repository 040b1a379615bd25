"""Lines → the graph of named nodes with named axes, in order of calculation."""
