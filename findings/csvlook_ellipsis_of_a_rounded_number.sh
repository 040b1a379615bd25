#!/bin/sh
# csvkit 2.2.0 (agate 1.14.2): the ellipsis that csvlook puts behind a number says neither that digits were cut
# off nor that there were any.
#
# A column is shown with three decimals. 1.86760 becomes "1.868…": the digits are rounded, so that the number
# does not begin with what stands before the ellipsis. 12, in the same column, becomes "12.000…", as if digits
# followed. -0.000012345 becomes "-0.000…". Thousands are separated by a comma, also in the Markdown table that
# this is.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check agate==1.14.2 csvkit==2.2.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import os
import subprocess
import sys

with open("table.csv", "w") as file:
    file.write("step,w,b\n1,-0.000012345,1.86760\n2,1234567.125,12\n")
command = os.path.join(os.path.dirname(sys.executable), "csvlook")
shown = subprocess.run([command, "table.csv"], capture_output=True, text=True, check=True).stdout
print(shown)
cells = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in shown.splitlines()]
assert cells[2:] == [["1", "-0.000…", "1.868…"], ["2", "1,234,567.125…", "12.000…"]]
EOF
