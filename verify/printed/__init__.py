"""In which form a table is written, and what programs print: lines of logs, dicts, lists, tables in boxes."""
