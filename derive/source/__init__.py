"""What a person hands in, before it means anything: files, TOML, CSV, literals, nested lists."""
