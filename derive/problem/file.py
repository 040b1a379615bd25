"""Reads a problem file: TOML in, the frozen `Problem` out, every number exact, every error with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod
from pathlib import Path

from derive.algebra.expression import names
from derive.characters import normalise
from derive.errors import ClaimError, EquationError, NoLossError, Place, ProblemError, UnknownNameError
from derive.graph.gradient_names import gradient_name
from derive.graph.graph import Graph, build, find_loss, other_loss
from derive.graph.node import SIZE, Node
from derive.graph.seed_gradient import SEEDED, Upstream, may_be_open
from derive.paper.lines import Line, read_lines
from derive.problem.data import Column, csv_columns, read_columns
from derive.problem.equations import constant_notes, free_names, spelling_notes, written_names
from derive.problem.parameters import Given, read_frozen, read_given
from derive.problem.predict import read_predict
from derive.problem.problem import Claims, Problem, Quantity
from derive.problem.rounded import with_rounded
from derive.problem.targets import check_labels, check_rows, score_notes, target_notes
from derive.problem.training_table import MISPLACED, Own, read_training
from derive.problem.watch import (
    at_the_end,
    condition,
    read_reported,
    read_watch,
    text_place,
    watched,
    with_lines,
    with_reported,
)
from derive.source.arrays import Array, Wording, read_array
from derive.source.numerals import Numeral, shown
from derive.source.toml_text import Document, parse
from derive.training.plan import Training
from derive.training.rates import Formula
from derive.training.settings import WITHOUT_TRAINING

_TOP = (
    *("title", "source", "equations", "loss", "seed_gradient", "frozen", "rounded"),
    *("parameters", "constants", "data", "training", "report", "watch", "predict", "claims"),
)
_STARTS = (
    "has several numbers and no line is a loss: backpropagation starts from 1 at each of them; seed_gradient says "
    "otherwise, or a last line such as l = mean(…)"
)
MAX_UNITS = 1000  # of the last digit that a claimed number may be off; larger ones are refused
_CLAIMS = ("table", "formulas", "units", "log")


def read_problem(text: str, name: str, source: str, folder: Path) -> Problem:
    """Returns the problem of a TOML text with lines ending in LF; its CSV files are looked for in `folder`.

    `name` is the problem's name, and its title where the text has none. Raises `ProblemError`, or one of its kinds,
    with the place in `source`, which is what messages call the text.
    """
    document = parse(text, source)
    document.refuse_unknown(_TOP, remedies=MISPLACED)
    lines = _equations(document)
    parameters, constants = read_given(document, "parameters"), read_given(document, "constants")
    gradients = _gradients(document, lines, parameters, constants)
    reported, expressions = read_reported(document), read_watch(document, gradients)
    beside = (*lines, *reported, *expressions)
    wanted = frozenset(free_names(beside)) - {*parameters.names, *constants.names, *gradients}
    columns, notes = read_columns(document, wanted, folder)
    data = tuple(column.quantity for column in columns)
    seed, trains = _seed(document), _trains(document)
    open_end = ""
    try:
        try:
            graph = _graph(document, lines, parameters, constants, columns, seed)
        except NoLossError:
            if seed is not None or trains or "loss" in document.content or not may_be_open(find_loss(lines)):
                raise
            graph = _graph(document, lines, parameters, constants, columns, None, is_open=True)
            open_end = find_loss(lines)
        late = at_the_end(reported, graph)
        reported = tuple(line for line in reported if line not in late)
        graph = with_reported(graph, reported)
    except UnknownNameError as error:
        raise UnknownNameError(error.message + csv_columns(document, folder), error.place) from None
    frozen = read_frozen(document, parameters.shapes)
    watch = _watched((*late, *expressions), graph)
    _check_labels(document, with_lines(graph, watch), (*constants.quantities, *data), columns)
    own = Own(parameters.names, constants.numbers, tuple(f.name for f in frozen if not f.entries))
    training = read_training(document, columns[0].samples if columns else 0, own)
    if training.until is not None:
        place = text_place(document, ("training", "until"), training.until)
        condition(training.until, with_lines(graph, watch), place)  # read again with the settings in effect
    predict, left_out = read_predict(document, graph, columns, folder)
    check_labels(graph, predict, {quantity.name: document.place("predict", quantity.name) for quantity in predict})
    rows = check_rows(with_lines(graph, watch), columns[0].samples if columns else None)
    claims = _claims(document)
    spelled = (*written_names(lines), *parameters.written, *constants.written, *(c.written for c in columns))
    if open_end:
        seed = _ones(graph, (*lines, *reported), columns)
    seeds = _named_seed(graph, (*lines, *reported), seed)
    problem = Problem(
        name=name,
        title=_one_line(document, "title") or name,
        source=source,
        lines=lines,
        graph=replace(graph, frozen=frozen),
        parameters=parameters.quantities,
        constants=(*constants.quantities, *(quantity for quantity, kind in seeds if kind == "constant")),
        data=(*data, *(quantity for quantity, kind in seeds if kind == "data")),
        training=training,
        claims=claims,
        notes=(
            *notes,
            *left_out,
            *rows,
            *_idle_constants(constants, graph, beside, training),
            *spelling_notes(spelled),
            *_idle_settings(training, columns),
            *_other_loss(document, lines),
            *target_notes(lines, (*constants.quantities, *data)),
            *score_notes(lines),
            *constant_notes(wanted - {column.name for column in columns}),
            *([f"{open_end} {_STARTS}"] if open_end and parameters.names else []),
        ),
        places=tuple((".".join(path), place) for path, place in document.places.items()),
        source_note=_one_line(document, "source"),
        trains=trains,
        reported=tuple(line.name for line in reported),
        watch=watch,
        predict=predict,
    )
    return with_rounded(problem, document)


def _gradients(document: Document, lines: tuple[Line, ...], parameters: Given, constants: Given) -> frozenset[str]:
    """The gradients that [watch] can read by their names, `dl/dw`; none where a quantity is called `dl` or `dw`."""
    taken = {*(line.name for line in lines), *parameters.names, *constants.names, *document.table("data")}
    ends = SEEDED if "seed_gradient" in document.content else (normalise(document.words("loss") or find_loss(lines)),)
    pairs = ((loss, name) for loss in ends for name in parameters.names)
    return frozenset(gradient_name(*pair) for pair in pairs if taken.isdisjoint({f"d{part}" for part in pair}))


def _seed(document: Document) -> Array | None:
    """The numbers of `seed_gradient`."""
    value = document.content.get("seed_gradient")
    if value is None:
        return None
    wording = Wording("seed_gradient", "a number, or lists of numbers with the shape of the loss line")
    return read_array(value, wording, document.place("seed_gradient"))


def _named_seed(graph: Graph, lines: tuple[Line, ...], seed: Array | None) -> list[tuple[Quantity, str]]:
    """The seed as a quantity with the name and the kind of its node."""
    if seed is None:
        return []
    node = _seed_node(graph, lines)
    return [(Quantity(node.name, seed.shape, seed.values), node.kind)]


def _seed_node(graph: Graph, lines: tuple[Line, ...]) -> Node:
    """The node of the seed: what the loss, which no line writes, multiplies a line by."""
    written = {line.name for line in lines}
    product = next(node for node in graph.lines if node.name not in written)
    return graph.by_name[names(product.definition)[0]]


def _ones(graph: Graph, lines: tuple[Line, ...], columns: tuple[Column, ...]) -> Array:
    """A seed of ones, of the shape of the line that it is the upstream gradient of."""
    sizes = (columns[0].samples if axis.size == SIZE else axis.size for axis in _seed_node(graph, lines).axes)
    shape = tuple(int(str(size)) for size in sizes)
    return Array(shape, (Fraction(1),) * prod(shape))


def _trains(document: Document) -> bool:
    """Whether [training] says more than what holds without any, such as the dtype alone."""
    told = document.table("training")
    return "training" in document.content and not (told and WITHOUT_TRAINING.issuperset(told))


def _check_labels(document: Document, graph: Graph, given: Iterable[Quantity], columns: Sequence[Column]) -> None:
    places = {quantity.name: document.place("constants", quantity.name) for quantity in given}
    samples = columns[0].samples if columns else None
    check_labels(graph, given, {**places, **{column.name: column.place for column in columns}}, samples)


def _one_line(document: Document, key: str) -> str | None:
    """A text that is printed as it is: one line, without control characters."""
    text = document.words(key)
    if text is not None and not text.isprintable():
        raise ProblemError(f"{key} has a line break or a control character; expected one line", document.place(key))
    return text


def _equations(document: Document) -> tuple[Line, ...]:
    """The lines of `equations`, a text or a list of texts, with their places in the file."""
    value = document.content.get("equations")
    place = document.place("equations")
    if value is None:
        raise ProblemError('no equations; expected equations = """…""" with lines such as a = w*x', place)
    pieces = value if isinstance(value, list) else [value]
    if not pieces or not all(isinstance(piece, str) and not isinstance(piece, Numeral) for piece in pieces):
        raise ProblemError("equations is not a text; expected lines such as a = w*x between quotes", place)
    lines: list[Line] = []
    cursor = 0 if pieces is not value else _after_key(document)
    for number, piece in enumerate(pieces, start=1):
        offset = document.offset_after(("equations",), piece, cursor)
        if offset is None:  # written with escapes: count the lines of the equations instead
            lines.extend(read_lines(piece, f"{document.source}, equations", number))
            continue
        cursor = offset + len(piece)
        first_line = document.text.count("\n", 0, offset) + 1
        indent = offset - (document.text.rfind("\n", 0, offset) + 1)
        lines.extend(read_lines(" " * indent + piece, document.source, first_line))
    return tuple(lines)


def _after_key(document: Document) -> int:
    """An offset before the first text of a list of equations."""
    line = document.place("equations").line or 1
    return sum(len(text) + 1 for text in document.text.split("\n")[: line - 1]) + len("equations")


def _graph(
    document: Document,
    lines: tuple[Line, ...],
    parameters: Given,
    constants: Given,
    columns: tuple[Column, ...],
    seed: Array | None,
    *,
    is_open: bool = False,
) -> Graph:
    """The graph; an error about a declared name is placed where the name is declared.

    Where it `is_open`, the line that is differentiated is no loss, and is given an upstream gradient of its own shape.
    """
    loss = document.words("loss")
    places = {column.name: column.place for column in columns}
    for key, given in (("constants", constants), ("parameters", parameters)):
        for name, written in zip(given.names, given.written, strict=True):
            places[name] = document.place(key, written)
    samples = columns[0].samples if columns else None
    upstream = None if seed is None else Upstream(seed.shape, samples, document.place("seed_gradient"))
    upstream = Upstream(None, samples) if is_open else upstream
    try:
        return build(
            lines,
            parameters=parameters.shapes,
            constants=constants.shapes,
            data={column.name: column.row for column in columns},
            loss=None if loss is None else normalise(loss),
            upstream=upstream,
        )
    except EquationError as error:
        if error.place is not None:
            raise
        raise EquationError(error.message, _declared(error.message, places, document)) from None


def _declared(message: str, places: Mapping[str, Place], document: Document) -> Place:
    """The place of the declaration that `message` is about: of the first name it quotes, or of the loss."""
    if message.startswith("loss ="):
        return document.place("loss")
    quoted = re.search(r"'([^']+)'", message)
    return places.get(quoted[1] if quoted else "", Place(document.source))


def _watched(lines: tuple[Line, ...], graph: Graph) -> tuple[Node, ...]:
    """The nodes of the expressions of [watch]; each can use those above it."""
    nodes: tuple[Node, ...] = ()
    for line in lines:
        nodes = (*nodes, watched(line, with_lines(graph, nodes)))
    return nodes


def _claims(document: Document) -> Claims | None:
    """[claims] as it is written."""
    if not document.table("claims"):
        return None
    document.refuse_unknown(_CLAIMS, "claims")
    formulas = []
    for name, formula in document.table("claims", "formulas").items():
        if isinstance(formula, dict):
            raise _unquoted(document, name, formula)
        if not isinstance(formula, str) or isinstance(formula, Numeral):
            place = document.place("claims", "formulas", name)
            raise ClaimError(f"the formula of {name!r} is {shown(formula)}; expected a text in quotes", place)
        formulas.append((name, formula))
    table = document.words("claims", "table")
    return Claims(
        table,
        tuple(formulas),
        document.place("claims"),
        _table_place(document, table),
        _units(document),
        document.words("claims", "log"),
        document.place("claims", "log"),
    )


def _unquoted(document: Document, name: str, formula: object) -> ClaimError:
    """The error for a key such as formulas.partial.l.w, in which TOML takes every point for a table."""
    path = [name]
    while isinstance(formula, dict) and formula:
        part, formula = next(iter(formula.items()))
        path.append(part)
    written = ".".join(path)
    remedy = f'a name with a point is quoted: formulas."{written}" = {shown(formula)}'
    return ClaimError(
        f"formulas.{written} is a table in a table; {remedy}", document.place("claims", "formulas", *path)
    )


def _table_place(document: Document, table: str | None) -> Place:
    """Where the first line of the claimed table stands."""
    offset = None if table is None else document.offset_after(("claims", "table"), table)
    if offset is None:
        return Place(f"{document.source}, claims.table", 1)
    return Place(document.source, document.text.count("\n", 0, offset) + 1)


def _units(document: Document) -> int | None:
    """How many units of its last digit a claimed number may be off."""
    value = document.table("claims").get("units")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_UNITS):
        return value
    message = (
        f"units = {shown(value)}; expected a whole number from 1 to {MAX_UNITS}: how many units of its last digit "
    )
    raise ClaimError(f"{message}a claimed number may be off", document.place("claims", "units"))


def _other_loss(document: Document, lines: tuple[Line, ...]) -> list[str]:
    sentence = other_loss(lines) if "loss" not in document.content else ""
    return [sentence] if sentence else []


def _idle_constants(constants: Given, graph: Graph, lines: tuple[Line, ...], training: Training) -> list[str]:
    rates = (training.lr, *(group.lr for group in training.groups))
    used = {*free_names(lines), *(name for rate in rates if isinstance(rate, Formula) for name in rate.constants)}
    used |= {name for node in graph.lines for name in names(node.definition)}  # a constant as a label: s[y]
    return [f"constant {name!r} is not used in the equations" for name in constants.names if name not in used]


def _idle_settings(training: Training, columns: tuple[Column, ...]) -> list[str]:
    """Settings that speak of samples where there are none."""
    given = [key for key in ("batch_size", "shuffle", "drop_last") if getattr(training, key)]
    return [] if columns else [f"{key} has no effect without [data]: every epoch is one step" for key in given]
