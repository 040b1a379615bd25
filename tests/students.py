"""Students who calculate a training on a pocket calculator, rightly or with one slip; nothing of `derive` is used.

Every number that a student writes down is rounded to the digits carried, and the next ones are calculated from what is
written. `Pocket` says whether the calculator also rounds what is between two written numbers.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Context, Decimal
from random import Random

MODES = {"half up": decimal.ROUND_HALF_UP, "half even": decimal.ROUND_HALF_EVEN, "cut": decimal.ROUND_DOWN}
SLIPS = (
    "flipped sign", "forgotten 1/n", "forgotten factor 2", "stale parameter",
    "swapped digits", "wrong row", "lr forgotten", "gradient of another",
)  # fmt: skip
LAST_DIGITS = "last digits"  # a number is off by a few units of its last digit, `row` of them
_FULL = Context(prec=40, rounding=decimal.ROUND_HALF_EVEN)


@dataclass
class Shaken:
    """A calculator whose results are off by `shares` of half a unit of their last digit, in order of calculation.

    A share above 0 makes a result larger without its sign, one below 0 smaller.
    """

    digits: int
    shares: Mapping[int, int]
    done: int = 0

    def __getattr__(self, name: str) -> Callable[..., Decimal]:
        def calculate(*args: Decimal) -> Decimal:
            found: Decimal = getattr(_FULL, name)(*args)
            self.done += 1
            if Context(prec=self.digits).plus(found) == found:
                return found  # it has no more digits
            half = Decimal(1).scaleb(found.adjusted() + 1 - self.digits) / 2
            return found + self.shares.get(self.done, 0) * half.copy_sign(found)

        return calculate


@dataclass(frozen=True)
class Pocket:
    """A calculator: what is written has `digits`, rounded by `mode`; with `every`, so has each result on the way.

    With `is_of_places` the digits are those after the point. `only_parameters` carries all else than the parameters in
    full, and only shows it rounded. Gradients have so many places `of_gradients`, if that is said.
    """

    digits: int
    mode: str
    every: bool = False
    is_of_places: bool = False
    only_parameters: bool = False
    of_gradients: int | None = None

    @property
    def between(self) -> Context:
        return Context(prec=self.digits, rounding=MODES[self.mode]) if self.every else _FULL

    def written(self, value: Decimal, name: str = "") -> Decimal:
        """What is written down of a number, in the column `name`."""
        is_coarse = self.of_gradients is not None and name.startswith("dl/d")
        places = self.of_gradients if is_coarse else self.digits if self.is_of_places else None
        if places is not None:
            return value.quantize(Decimal(1).scaleb(-places), rounding=MODES[self.mode])
        found = Context(prec=self.digits, rounding=MODES[self.mode]).plus(value)
        return found or Decimal(0)


# --- models: lines of one operation each, over a sample of the data


@dataclass(frozen=True)
class Line:
    """`name` = `op` of other names, parameters, columns or lines."""

    name: str
    op: str
    args: tuple[str, ...]

    @property
    def text(self) -> str:
        """As in a problem file."""
        signs = {"mul": "{0}*{1}", "add": "{0} + {1}", "sub": "{0} - {1}", "square": "{0}^2"}
        return f"{self.name} = {signs.get(self.op, self.op + '({0})').format(*self.args)}"


def calculated(op: str, args: list[Decimal], ctx: Context | Shaken) -> Decimal:
    """The number of a line, rounded once."""
    match op:
        case "mul":
            return ctx.multiply(*args)
        case "add":
            return ctx.add(*args)
        case "sub":
            return ctx.subtract(*args)
        case "square":
            return ctx.multiply(args[0], args[0])
        case "exp":
            return ctx.plus(_FULL.exp(args[0]))
        case "sigmoid":
            return ctx.plus(_FULL.divide(1, _FULL.add(1, _FULL.exp(-args[0]))))
        case "tanh":
            two = _FULL.exp(_FULL.multiply(2, args[0]))
            return ctx.plus(_FULL.divide(_FULL.subtract(two, 1), _FULL.add(two, 1)))
    raise ValueError(op)


def local(op: str, place: int, args: list[Decimal], value: Decimal, ctx: Context | Shaken) -> Decimal:
    """The partial of a line by one of its names, by the written value of the line where that is how one does it."""
    match op:
        case "mul":
            return args[1 - place]
        case "add":
            return Decimal(1)
        case "sub":
            return Decimal(1 if place == 0 else -1)
        case "square":
            return ctx.multiply(2, args[0])
        case "exp":
            return value
        case "sigmoid":
            return ctx.multiply(value, ctx.subtract(1, value))
        case "tanh":
            return ctx.subtract(1, ctx.multiply(value, value))
    raise ValueError(op)


def _lines(*texts: str) -> tuple[Line, ...]:
    found = []
    for text in texts:
        name, op, *args = text.split()
        found.append(Line(name, op, tuple(args)))
    return tuple(found)


MODELS: Mapping[str, tuple[tuple[Line, ...], tuple[str, ...]]] = {
    "line": (_lines("a mul w x", "c add a b", "d sub c y", "e square d"), ("w", "b")),
    "product": (_lines("a mul w x", "c mul a v", "d sub c y", "e square d"), ("w", "v")),
    "plane": (_lines("a mul w x", "c mul v t", "f add a c", "g add f b", "d sub g y", "e square d"), ("w", "v", "b")),
    "sigmoid": (_lines("a mul w x", "c add a b", "p sigmoid c", "d sub p y", "e square d"), ("w", "b")),
    "tanh": (_lines("a mul w x", "c add a b", "h tanh c", "o mul v h", "d sub o y", "e square d"), ("w", "b", "v")),
    "exp": (_lines("a mul w x", "c exp a", "o mul v c", "d sub o y", "e square d"), ("w", "v")),
}
OPTIMIZERS = ("SGD", "SGD", "SGD", "momentum", "Adam")


@dataclass(frozen=True)
class Homework:
    """A problem: a model, its data and initial values, and how it is trained."""

    model: str
    start: Mapping[str, Decimal]
    data: Mapping[str, tuple[Decimal, ...]]
    lr: Decimal
    batches: tuple[tuple[int, ...], ...]
    batch_size: int
    epochs: int
    averages: bool
    optimizer: str

    @property
    def lines(self) -> tuple[Line, ...]:
        return MODELS[self.model][0]

    @property
    def parameters(self) -> tuple[str, ...]:
        return MODELS[self.model][1]

    @property
    def text(self) -> str:
        """The problem file."""
        equations = [*(line.text for line in self.lines), f"l = {'mean' if self.averages else 'sum'}(e)"]
        text = ['equations = """', *equations, '"""', "[parameters]"]
        text += [f"{name} = {value}" for name, value in self.start.items()]
        text += ["[data]", *(f"{name} = [{', '.join(map(str, column))}]" for name, column in self.data.items())]
        text += ["[training]", f"lr = {self.lr}", f"batch_size = {self.batch_size}", f"epochs = {self.epochs}"]
        text += {"momentum": ["momentum = 0.9"], "Adam": ['optimizer = "Adam"']}.get(self.optimizer, [])
        return "\n".join(text) + "\n"


def homework(random: Random, models: tuple[str, ...] = tuple(MODELS)) -> Homework:
    """A random problem of 2 to 5 samples in batches, the last of them short now and then, for 1 to 3 epochs."""
    model = random.choice(models)
    lines, parameters = MODELS[model]
    columns = sorted({arg for line in lines for arg in line.args if arg in "xyt"})
    samples = random.randint(2, 5)
    size = random.choice((samples, samples, 2, max(1, samples - 1)))
    rows = range(samples)
    once = tuple(tuple(rows[start : start + size]) for start in range(0, samples, size))
    epochs = random.randint(1, 3 if len(once) == 1 else 2)

    def number(low: int, high: int) -> Decimal:
        return Decimal(random.choice([k for k in range(low, high + 1) if k])) / 10

    small = model in ("exp", "tanh", "sigmoid")
    start = {name: number(-12, 12) if small else number(-30, 30) for name in parameters}
    data = {name: tuple(number(-15, 15) if small else number(-40, 40) for _ in rows) for name in columns}
    lr = Decimal(random.choice(("0.1", "0.05", "0.01", "0.02")))
    return Homework(
        model, start, data, lr, once * epochs, size, epochs, random.random() < 0.7, random.choice(OPTIMIZERS)
    )


# --- the student

Cell = tuple[int, str]  # step, and the name of the column
Written = dict[Cell, Decimal]


@dataclass(frozen=True)
class Slip:
    """One mistake of `kind` in a step, about the parameter `about`, the row `row` or the column `cell`."""

    kind: str
    step: int
    about: str
    other: str = ""
    row: int = 0


@dataclass
class Step:
    """What a student calculates in one step, from what is written in `sheet`; `slip` is the mistake made, if any."""

    work: Homework
    number: int
    sheet: Written
    ctx: Context | Shaken
    slip: Slip | None = None
    known: dict[str, Decimal] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[int, ...]:
        return self.work.batches[self.number - 1]

    def makes(self, kind: str, about: str = "") -> bool:
        """Whether the slip of a kind is made, about a parameter."""
        return self.slip is not None and self.slip.kind == kind and (not about or self.slip.about == about)

    def get(self, name: str, calculate: Callable[[], Decimal]) -> Decimal:
        """A number that is written already, else calculated."""
        cell = (self.number, name)
        if cell in self.sheet:
            return self.sheet[cell]
        if name not in self.known:
            self.known[name] = calculate()
        return self.known[name]

    def before(self, name: str) -> Decimal:
        """A parameter before the step, or what an optimizer remembers, which is 0 at first."""
        past = self.number - 1
        if self.makes("stale parameter", name) and name in self.work.parameters:
            past = max(0, past - 1)
        if past == 0:
            return self.work.start.get(name, Decimal(0))
        return self.sheet[past, name]

    def read(self, name: str, row: int) -> Decimal:
        """A name in a line: a parameter, a column or another line."""
        if name in self.work.parameters:
            return self.before(name)
        if name in self.work.data:
            is_wrong = self.makes("wrong row", name) and self.slip is not None and row == self.rows[0]
            return self.work.data[name][self.slip.row if is_wrong and self.slip is not None else row]
        return self.line(name, row)

    def line(self, name: str, row: int) -> Decimal:
        """A line at a row."""
        [line] = [line for line in self.work.lines if line.name == name]
        return self.get(
            f"{name}[{row}]", lambda: calculated(line.op, [self.read(arg, row) for arg in line.args], self.ctx)
        )

    def total(self, terms: Iterator[Decimal]) -> Decimal:
        """A sum, added up one after the other."""
        found = next(terms)
        for term in terms:
            found = self.ctx.add(found, term)
        return found

    def loss(self) -> Decimal:
        """The loss of the batch."""
        whole = self.total(self.line("e", row) for row in self.rows)
        return self.ctx.divide(whole, len(self.rows)) if self.work.averages else whole

    def adjoint(self, name: str, row: int) -> Decimal:
        """∂l by a line at a row: the sum over the lines that read it."""

        def calculate() -> Decimal:
            if name == "e":
                return self.ctx.divide(Decimal(1), len(self.rows)) if self.work.averages else Decimal(1)
            return self.total(self.through(line, place, row) for line, place in self.readers(name))

        return self.get(f"dl/d{name}[{row}]", calculate)

    def readers(self, name: str) -> Iterator[tuple[Line, int]]:
        """Each line that reads a name, and where."""
        return ((line, k) for line in self.work.lines for k, arg in enumerate(line.args) if arg == name)

    def through(self, line: Line, place: int, row: int) -> Decimal:
        """∂l by one name in a line at a row."""
        args = [self.read(arg, row) for arg in line.args]
        partial = local(line.op, place, args, self.line(line.name, row), self.ctx)
        above = self.adjoint(line.name, row)
        return above if partial == 1 else self.ctx.minus(above) if partial == -1 else self.ctx.multiply(above, partial)

    def gradient(self, name: str) -> Decimal:
        """∂l by a parameter, with the slips that are made there."""
        own = self.slip.other if self.slip is not None and self.makes("gradient of another", name) else name
        found = self.total(self.through(line, k, row) for row in self.rows for line, k in self.readers(own))
        if self.makes("flipped sign", name):
            return -found
        if self.makes("forgotten 1/n", name):
            return self.ctx.multiply(found, len(self.rows))
        return self.ctx.divide(found, 2) if self.makes("forgotten factor 2", name) else found

    def state(self, name: str, key: str) -> Decimal:
        """What the optimizer remembers of a gradient: momentum's v, or Adam's m and v."""
        g, ctx = self.sheet[self.number, f"dl/d{name}"], self.ctx
        past = self.before(f"{name}.{key}")
        if self.work.optimizer == "momentum":
            return ctx.add(ctx.multiply(Decimal("0.9"), past), g)
        beta, new = (Decimal("0.9"), g) if key == "m" else (Decimal("0.999"), ctx.multiply(g, g))
        return ctx.add(ctx.multiply(beta, past), ctx.multiply(1 - beta, new))

    def after(self, name: str) -> Decimal:
        """A parameter after the update."""
        ctx = self.ctx
        lr = Decimal(1) if self.makes("lr forgotten", name) else self.work.lr
        if self.work.optimizer == "Adam":
            m, v = (self.sheet[self.number, f"{name}.{key}"] for key in "mv")
            m = ctx.divide(m, 1 - _FULL.power(Decimal("0.9"), self.number))
            v = ctx.divide(v, 1 - _FULL.power(Decimal("0.999"), self.number))
            step = ctx.divide(m, ctx.add(ctx.sqrt(v), Decimal("1e-8")))
        else:
            step = self.sheet[self.number, f"{name}.v" if self.work.optimizer == "momentum" else f"dl/d{name}"]
        return ctx.subtract(self.before_update(name), ctx.multiply(lr, step))

    def before_update(self, name: str) -> Decimal:
        past = self.number - 1
        return self.work.start[name] if past == 0 else self.sheet[past, name]

    def number_of(self, column: str) -> Decimal:
        """The number that goes into a column."""
        if column == "l":
            return self.loss()
        if column.startswith("dl/d"):
            name, _, row = column.removeprefix("dl/d").partition("[")
            return self.adjoint(name, int(row[:-1])) if row else self.gradient(name)
        name, _, row = column.partition("[")
        if row:
            return self.line(name, int(row[:-1]))
        name, _, key = column.partition(".")
        return self.state(name, key) if key else self.after(name)


def columns(work: Homework, is_full: bool) -> list[str]:
    """The columns of a table in the order of calculation; a full one has every line and its adjoint, row by row."""
    rows = sorted({row for batch in work.batches for row in batch})
    found = [f"{line.name}[{row}]" for line in work.lines for row in rows] if is_full else []
    found.append("l")
    found += [f"dl/d{line.name}[{row}]" for line in reversed(work.lines) for row in rows] if is_full else []
    found += [f"dl/d{name}" for name in work.parameters]
    keys = {"momentum": "v", "Adam": "mv"}.get(work.optimizer, "")
    for name in work.parameters:
        found += [*(f"{name}.{key}" for key in keys), name]
    return found


@dataclass(frozen=True)
class Table:
    """What a student handed in; `slipped` are the cells that a slip goes into directly, in order."""

    work: Homework
    pocket: Pocket
    names: tuple[str, ...]
    sheet: Mapping[Cell, Decimal]
    slipped: tuple[Cell, ...] = ()

    @property
    def text(self) -> str:
        """As a CSV file."""
        lines = [",".join(["step", *(f'"{name}"' if "[" in name else name for name in self.names)])]
        for step in range(1, len(self.work.batches) + 1):
            cells = [str(self.sheet[step, name]) if (step, name) in self.sheet else "" for name in self.names]
            lines.append(",".join([str(step), *cells]))
        return "\n".join(lines) + "\n"


def hand_in(work: Homework, pocket: Pocket, is_full: bool, slip: Slip | None = None) -> Table:
    """The table of a student, who ends it where a number is beyond all bounds."""
    names = columns(work, is_full)
    sheet: Written = {}
    slipped: list[Cell] = []
    with suppress(decimal.Overflow, decimal.InvalidOperation):
        _fill(work, pocket, slip, names, sheet, slipped)
    shown = {cell: pocket.written(value, cell[1]) for cell, value in sheet.items()}
    return Table(work, pocket, tuple(names), shown, tuple(slipped))


def _fill(
    work: Homework, pocket: Pocket, slip: Slip | None, names: list[str], sheet: Written, slipped: list[Cell]
) -> None:
    """Writes the numbers into `sheet`, and into `slipped` where a slip goes into one."""
    for step in range(1, len(work.batches) + 1):
        for name in names:
            row = name.partition("[")[2][:-1]
            if row and int(row) not in work.batches[step - 1]:
                continue
            made = slip if slip is not None and slip.step == step else None
            right = pocket.written(_number(work, step, sheet, pocket, None, name), name)
            found = pocket.written(_number(work, step, sheet, pocket, made, name), name) if made else right
            if made and made.kind == "swapped digits" and made.about == name:
                found = _swapped(found)
            if made and made.kind == LAST_DIGITS and made.about == name:
                found += made.row * unit(found)
            if found != right:
                slipped.append((step, name))
            is_carried_in_full = pocket.only_parameters and name not in work.parameters
            sheet[step, name] = _number(work, step, sheet, pocket, made, name) if is_carried_in_full else found


def _number(work: Homework, step: int, sheet: Written, pocket: Pocket, slip: Slip | None, name: str) -> Decimal:
    return Step(work, step, sheet, pocket.between, slip).number_of(name)


def _swapped(value: Decimal) -> Decimal:
    """The number with the first two neighbouring digits that differ in each other's place."""
    sign, digits, exponent = value.as_tuple()
    for k in range(len(digits) - 1):
        if digits[k] != digits[k + 1]:
            other = (*digits[:k], digits[k + 1], digits[k], *digits[k + 2 :])
            return Decimal((sign, other, exponent))
    return value


def random_slip(random: Random, work: Homework, kind: str, names: list[str]) -> Slip:
    """A slip of a kind; it may turn out to change nothing."""
    step = random.randint(1, len(work.batches))
    about, other = random.sample(work.parameters, 2)
    if kind == "swapped digits":
        about = random.choice([name for name in names if "[" not in name])
    if kind == "wrong row":
        about = random.choice(sorted(work.data))
    return Slip(kind, step, about, other, random.randrange(len(work.data["x"])))


def allows(table: Table, cell: Cell, *, is_cut: bool = False) -> bool:
    """Whether right work from the numbers before a cell can give what is written there.

    Right work takes each earlier number anywhere within its digits, and rounds every result on the way up or down; with
    `is_cut`, any number that begins with the digits, and every result up to a unit nearer to 0. It goes continuously
    from the smallest to the largest number that is found here, one change after the other, so it has every number
    between (the theorem of the intermediate value). A slip that ends there cannot be told from right work.
    """
    step, name = cell
    written = table.sheet[cell]
    on_paper, on_the_way = ((2,), (-2,)) if is_cut else ((-1, 1), (-1, 1))  # in half units
    order = [(k, own) for k in range(1, len(table.work.batches) + 1) for own in table.names]
    earlier = {own: table.sheet[own] for own in order[: order.index(cell)] if own in table.sheet}

    def found(moved: Mapping[Cell, int], shares: Mapping[int, int]) -> tuple[Decimal, int]:
        sheet = {own: value + moved.get(own, 0) * unit(value).copy_sign(value) / 2 for own, value in earlier.items()}
        ctx = Shaken(table.pocket.digits, shares)
        return Step(table.work, step, sheet, ctx).number_of(name), ctx.done

    first, results = found({}, {})
    for way in (-1, 1):
        best, moved, shares = first, dict[Cell, int](), dict[int, int]()
        for own in [own for own in earlier if own[0] >= step - 1]:
            for sign in on_paper:
                other = found({**moved, own: sign}, shares)[0]
                if way * other > way * best:
                    best, moved = other, {**moved, own: sign}
        for k in range(1, results + 1):
            for sign in on_the_way:
                other = found(moved, {**shares, k: sign})[0]
                if way * other > way * best:
                    best, shares = other, {**shares, k: sign}
        off, outwards = way * (written - best), way * written > 0
        slack = unit(written) / 2 if not is_cut else Decimal(0) if outwards else unit(written)
        if off <= slack and way * (written - first) >= 0:
            return True
    return written == first


def unit(value: Decimal) -> Decimal:
    """One unit of the last digit."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(1).scaleb(exponent)
