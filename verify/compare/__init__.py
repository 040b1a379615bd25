"""The record beside the hand calculation, number by number, to a verdict."""
