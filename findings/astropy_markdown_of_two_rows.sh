#!/bin/sh
# astropy 8.0.2: `astropy.io.ascii.read`, which guesses the format, reads a Markdown table of one or two rows as
# no rows at all.
#
# A pipe table is taken for an IPAC table, whose header has four lines: names, types, units, values that stand
# for nothing. The line of dashes becomes the types, the first row of numbers the units (the unit of `w` is then
# "0.1"), the second row what is missing. With three rows the guess is another one: no header, four columns, and
# the names and dashes are rows of text. Nothing is raised and no warning is given for either.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 astropy==8.0.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
from astropy.io import ascii


def table(rows):
    lines = [f"| {row} | 0.{row}0 |" for row in range(1, rows + 1)]
    return ascii.read("\n".join(["| step | w |", "|---|---|", *lines]))


for rows in (1, 2):
    read = table(rows)
    print(rows, "rows:", len(read), "read, unit of w:", repr(read["w"].unit))
    assert read.colnames == ["step", "w"] and len(read) == 0
    assert read["w"].unit.scale == 0.1
read = table(3)
print(read)
assert read.colnames == ["col1", "col2", "col3", "col4"] and len(read) == 5
assert list(read["col3"]) == ["w", "---", "0.10", "0.20", "0.30"]
EOF
