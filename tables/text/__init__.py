"""A result and an audit for people, at most 80 columns wide."""
