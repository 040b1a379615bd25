#!/bin/sh
# texttable 1.7.2 and pytablewriter 1.2.1: strings of digits are written as other numbers, with digits that
# nobody gave.
#
# All cells are strings. In both packages "0.10" gets zeros behind it (0.100, 0.10000000), so that a reader who
# takes the last digit for the precision takes it for more exact than it was. texttable rounds to three decimals
# in the same column: 0.000012345 is then 0.000. pytablewriter writes eight: 0.00001234, with the last digit cut
# off. prettytable 3.18.0 and petl 1.7.30 write what they were given.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check texttable==1.7.2 pytablewriter==1.2.1 prettytable==3.18.0 petl==1.7.30
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import petl
import prettytable
import pytablewriter
import texttable

header, rows = ["step", "w"], [["1", "0.10"], ["2", "0.12345"], ["3", "0.000012345"]]


def by_texttable():
    table = texttable.Texttable()
    table.header(header)
    for row in rows:
        table.add_row(row)
    return table.draw()


def by_prettytable():
    table = prettytable.PrettyTable(header)
    table.add_rows(rows)
    return table.get_string()


written = {
    "texttable": by_texttable(),
    "pytablewriter": pytablewriter.MarkdownTableWriter(headers=header, value_matrix=rows).dumps(),
    "prettytable": by_prettytable(),
    "petl": str(petl.look(petl.wrap([header, *rows]))),
}
expected = {
    "texttable": ["0.100", "0.123", "0.000"],
    "pytablewriter": ["0.10000000", "0.12345000", "0.00001234"],
    "prettytable": ["0.10", "0.12345", "0.000012345"],
    "petl": ["0.10", "0.12345", "0.000012345"],
}
for package, text in written.items():
    lines = [line.strip("| \n").split("|") for line in text.splitlines() if "|" in line]
    seen = [cells[1].strip(" '") for cells in lines if cells[0].strip(" '") in ("1", "2", "3")]
    print(package, seen)
    assert seen == expected[package], (package, text)
EOF
