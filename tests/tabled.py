"""Writes a table in every form that people have, for reading it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape

Table = Sequence[Sequence[str]]  # the header first


def joined(sign: str) -> Callable[[Table], str]:
    """Cells between separators; one with a separator in it stands in quotes."""

    def write(table: Table) -> str:
        return "".join(sign.join(f'"{cell}"' if sign in cell else cell for cell in row) + "\n" for row in table)

    return write


def markdown(table: Table) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|" + "---:|" * len(table[0]), *lines[1:]]) + "\n"


def _widths(table: Table) -> list[int]:
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def blanks(table: Table) -> str:
    widths = _widths(table)
    return "".join(
        "   ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + "\n" for row in table
    )


def simple(table: Table) -> str:
    rule = "  ".join("=" * max(width, 2) for width in _widths(table))
    lines = [
        "  ".join(cell.ljust(max(width, 2)) for cell, width in zip(row, _widths(table), strict=True)) for row in table
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule]) + "\n"


def grid(table: Table) -> str:
    rule = "+" + "+".join("-" * (width + 2) for width in _widths(table)) + "+"
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, _widths(table), strict=True)) + " |"
        for row in table
    ]
    return "\n".join([rule, lines[0], rule.replace("-", "="), *(f"{line}\n{rule}" for line in lines[1:])]) + "\n"


def mysql(table: Table) -> str:
    """As a database prints it: a border above and below all the rows."""
    lines = grid(table).splitlines()
    return "\n".join([lines[0], lines[1], lines[0], *lines[3::2], lines[0]]) + "\n"


def latex(table: Table) -> str:
    rows = [" & ".join(f"${cell}$" if "_" not in cell else cell for cell in row) + r" \\" for row in table]
    begin, end = r"\begin{tabular}{" + "r" * len(table[0]) + "}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule", end]) + "\n"


def pairs(between: str, equals: str) -> Callable[[Table], str]:
    def write(table: Table) -> str:
        return "".join(
            between.join(f"{name}{equals}{cell}" for name, cell in zip(table[0], row, strict=True)) + "\n"
            for row in table[1:]
        )

    return write


def _objects(table: Table) -> list[str]:
    return [
        "{" + ", ".join(f"{json.dumps(name)}: {cell}" for name, cell in zip(table[0], row, strict=True)) + "}"
        for row in table[1:]
    ]


def json_lines(table: Table) -> str:
    return "\n".join(_objects(table)) + "\n"


def json_list(table: Table) -> str:
    return "[\n  " + ",\n  ".join(_objects(table)) + "\n]\n"


def html(table: Table) -> str:
    def line(row: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}>{escape(cell)}</{tag}>\n" for cell in row)

    body = "".join(f"<tr>\n{line(row, 'td')}</tr>\n" for row in table[1:])
    return f'<table border="1">\n<thead><tr>{line(table[0], "th")}</tr></thead>\n<tbody>{body}</tbody>\n</table>\n'


def mediawiki(table: Table) -> str:
    rows = ["|-\n" + "".join(f'| style="text-align:right" | {cell}\n' for cell in row) for row in table[1:-1]]
    last = f"|-\n| {' || '.join(table[-1])}\n" if len(table) > 1 else ""
    return (
        '{| class="wikitable"\n|+ Gradient descent\n! ' + " !! ".join(table[0]) + "\n" + "".join(rows) + last + "|}\n"
    )


def asciidoc(table: Table) -> str:
    rows = ["".join(f"|{cell}\n" for cell in row) for row in table[1:]]
    return '[%header,options="header"]\n|===\n|' + " |".join(table[0]) + "\n\n" + "\n".join(rows) + "|===\n"


def jira(table: Table) -> str:
    return "\n".join(["||" + "||".join(table[0]) + "||", *("| " + " | ".join(row) + " |" for row in table[1:])]) + "\n"


def dokuwiki(table: Table) -> str:
    return "\n".join(["^ " + " ^ ".join(table[0]) + " ^", *("| " + " | ".join(row) + " |" for row in table[1:])]) + "\n"


def textile(table: Table) -> str:
    """Its numbers to the right, as `>.` says."""
    head = "".join(f"|_. {name}" for name in table[0])
    return "\n".join(["table(plain).", head + "|", *("|>. " + "|>. ".join(row) + "|" for row in table[1:])]) + "\n"


def csv_table(table: Table) -> str:
    head, *rows = joined(",")(table).splitlines()
    lines = [".. csv-table:: Gradient descent", f"   :header: {head}", "   :widths: auto", ""]
    return "\n".join([*lines, *(f"   {row}" for row in rows)]) + "\n"


def list_table(table: Table) -> str:
    rows = ["   * - " + "\n     - ".join(row) for row in table]
    return "\n".join(["A table.", "", ".. list-table::", "   :header-rows: 1", "", *rows]) + "\n"


def with_units(write: Callable[[Table], str]) -> Callable[[Table], str]:
    """The same with a line of units below the names."""

    def below(table: Table) -> str:
        return write([table[0], ["-", *("[m/s]" if k % 2 else "(kJ)" for k in range(1, len(table[0])))], *table[1:]])

    return below


def with_groups(write: Callable[[Table], str]) -> Callable[[Table], str]:
    """The same with the names in two lines, what they are above them."""

    def below(table: Table) -> str:
        kinds = ["gradients" if "/" in name else "values" for name in table[0][1:]]
        above = ["" if k and kind == kinds[k - 1] else kind for k, kind in enumerate(kinds)]
        return write([[table[0][0], *above], ["", *table[0][1:]], *table[1:]])

    return below


def across(write: Callable[[Table], str], word: str = "") -> Callable[[Table], str]:
    """The same with a column for each step, whose head has the `word` before its number."""

    def turned(table: Table) -> str:
        rows = [list(row) for row in zip(*table, strict=True)]
        return write([["" if word else rows[0][0], *(f"{word}{step}" for step in rows[0][1:])], *rows[1:]])

    return turned


FORMS: Mapping[str, Callable[[Table], str]] = {
    "CSV": joined(","),
    "semicolons": joined(";"),
    "tabs": joined("\t"),
    "bars": joined("|"),
    "Markdown": markdown,
    "blanks": blanks,
    "simple": simple,
    "grid": grid,
    "MySQL": mysql,
    "LaTeX": latex,
    "HTML": html,
    "MediaWiki": mediawiki,
    "AsciiDoc": asciidoc,
    "Jira": jira,
    "DokuWiki": dokuwiki,
    "Textile": textile,
    "csv-table": csv_table,
    "list-table": list_table,
    "CSV with units": with_units(joined(",")),
    "Markdown with units": with_units(markdown),
    "tabs with groups": with_groups(joined("\t")),
    "Markdown with groups": with_groups(markdown),
    "key=value": pairs(" ", "="),
    "key: value": pairs(", ", ": "),
    "words": pairs(" ", " "),
    "words between commas": pairs(", ", " is "),
    "dashes": pairs(" - ", ": "),
    "JSON lines": json_lines,
    "JSON": json_list,
}
ACROSS: Mapping[str, Callable[[Table], str]] = {  # of a table whose first column is that of the steps
    **{f"{form}, steps across": across(FORMS[form]) for form in ("CSV", "tabs", "Markdown", "blanks", "LaTeX", "HTML")},
    **{f"{form}, words across": across(FORMS[form], "step ") for form in ("semicolons", "tabs", "grid", "HTML")},
    "blanks, words across": across(blanks, "step"),
}
WITHOUT_COMMA = tuple(form for form in FORMS if form not in ("JSON lines", "JSON"))  # that can have decimal commas
IN_TWO_LINES = tuple(form for form in FORMS if form.endswith(("units", "groups")))  # of names
