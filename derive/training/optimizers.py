"""The optimizers of `torch.optim`, one entry each: options, state, and equations in the paper notation.

From an entry come the equations that are printed, the step that is calculated by hand, and its bound. A new
optimizer is a new entry. The equations are in the names p (a parameter), g (its gradient), t (the number of the
update, from 1), lr, the options, and the state; help names may be added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from fractions import Fraction
from functools import cache, cached_property

from derive.algebra.expression import Apply, Expr, Ref, names, replace, walk
from derive.errors import Place
from derive.paper.syntax import read_expression
from derive.source.numerals import read_number, write_literal

Value = Fraction | bool | tuple[Fraction, ...]  # of an option


@dataclass(frozen=True)
class Equation:
    """One assignment, `v = momentum*v + g`.

    `when` names the options that must be set for it, with a `!` those that must not: "momentum !nesterov". `torch`
    are the same in the operations of PyTorch and their order, where they differ, for the bound only.
    """

    text: str
    when: str = ""
    torch: tuple[str, ...] | None = None


@dataclass(frozen=True)
class State:
    """What an optimizer remembers of each parameter: its name on paper, and its key in PyTorch's state.

    It begins with `start`, a number or the name of an option. A `single` one is one number for a
    whole parameter, which PyTorch keeps in float32.
    """

    name: str
    key: str
    when: str = ""
    start: str = "0"
    single: bool = False


@dataclass(frozen=True)
class Entry:
    """An optimizer by its name in `torch.optim`, with the defaults of its options."""

    name: str
    options: Mapping[str, Value]
    states: tuple[State, ...]
    equations: tuple[Equation, ...]


@dataclass(frozen=True)
class Variant:
    """A textbook's form of an optimizer, which PyTorch does not have; the table of them is in variants.py.

    `equations` gives for equations of the optimizer, by their text, what stands in their place, and `starts` what
    states begin with. Without the option that it `needs` it is the optimizer itself; `without` are options
    that have no meaning in it. `source` says where it stands.
    """

    optimizer: str
    name: str
    source: str
    equations: Mapping[str, tuple[Equation, ...]] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """An equation that is read: `target` becomes `expr`, whose names are scalars to it."""

    target: str
    expr: Expr


@dataclass(frozen=True)
class Optimizer:
    """An optimizer with the options that are given; the others have their defaults. It may be a textbook's variant."""

    name: str = "SGD"
    given: Mapping[str, Value] = field(default_factory=dict)
    variant: Variant | None = None

    @cached_property
    def options(self) -> Mapping[str, Value]:
        """Every option with its value."""
        left_out = self.variant.without if self.variant else ()
        options = {name: value for name, value in ENTRIES[self.name].options.items() if name not in left_out}
        return {**options, **self.given}

    @cached_property
    def numbers(self) -> Mapping[str, Fraction]:
        """The options that are numbers, by their names in the equations: `betas` are beta1 and beta2."""
        found: dict[str, Fraction] = {}
        for name, value in self.options.items():
            if isinstance(value, tuple):
                found.update({f"{name[:-1]}{number}": part for number, part in enumerate(value, start=1)})
            elif not isinstance(value, bool):
                found[name] = value
        return found

    @cached_property
    def states(self) -> tuple[State, ...]:
        """What is remembered under these options."""
        starts = self.variant.starts if self.variant else {}
        return tuple(
            replaced(state, start=starts.get(state.name, state.start))
            for state in ENTRIES[self.name].states
            if self._holds(state.when)
        )

    def start(self, state: State) -> Fraction:
        """What a state begins with."""
        return self.numbers[state.start] if state.start in self.numbers else read_number(state.start)

    @cached_property
    def on_paper(self) -> tuple[Assignment, ...]:
        """The equations under these options, in order."""
        return tuple(map(read_assignment, (equation.text for equation in self._equations)))

    @cached_property
    def under_roots(self) -> frozenset[str]:
        """The states of which, or of a multiple of which, a root is taken: means of squares, never below 0."""
        sources = {one.target: names(one.expr) for one in self.on_paper}
        parts = [part for one in self.on_paper for part in walk(one.expr)]
        roots = [part for part in parts if isinstance(part, Apply) and part.op == "sqrt"]
        added = [root for root in roots if not any(getattr(part, "op", "") == "sub" for part in walk(root))]
        under = {name for root in added for name in names(root)}
        states = {state.name for state in self.states}
        return frozenset(states & under.union(*(sources.get(name, ()) for name in under - states)))

    @cached_property
    def in_torch(self) -> tuple[Assignment, ...]:
        """The same in PyTorch's operations and their order.

        An equation in numbers alone is calculated by Python, in float64; each of them is rounded to the dtype
        where it meets a tensor.
        """
        pieces = ((e.text,) if e.torch is None else e.torch for e in self._equations)
        return tuple(read_assignment(text) for piece in pieces for text in piece)

    @property
    def in_effect(self) -> Iterator[tuple[str, str]]:
        """The options that change something, with their values as they are written."""
        for name, value in self.options.items():
            if value:
                yield name, written(value)

    @property
    def _equations(self) -> Iterator[Equation]:
        others = self.variant.equations if self.variant else {}
        for equation in ENTRIES[self.name].equations:
            if self._holds(equation.when):
                yield from (own for own in others.get(equation.text, (equation,)) if self._holds(own.when))

    def _holds(self, when: str) -> bool:
        return all(bool(self.options.get(word.lstrip("!"))) != word.startswith("!") for word in when.split())


def written(value: Value) -> str:
    """The value of an option: `0.9`, `1e-08`, `(0.9, 0.999)`, `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"({', '.join(map(_short, value))})" if isinstance(value, tuple) else _short(value)


def _short(value: Fraction) -> str:
    """The number as Python prints it, where that is short and exact."""
    text, short = write_literal(value), f"{float(value):g}"
    return short if len(short) < len(text) and read_number(short) == value else text


@cache
def read_assignment(text: str) -> Assignment:
    """`v = momentum*v + g` as a tree."""
    target, _, right = text.partition(" = ")
    expr = read_expression(right, Place("update rule", text=right))
    return Assignment(target, replace(expr, lambda ref: Ref(ref.name, ())))


def in_numbers_alone(assignments: tuple[Assignment, ...], numbers: frozenset[str]) -> frozenset[str]:
    """`numbers` and every name that is assigned from such names alone."""
    found = set(numbers)
    for assignment in assignments:
        if found.issuperset(names(assignment.expr)):
            found.add(assignment.target)
    return frozenset(found)


def counter(taken: Collection[str]) -> str:
    """What the number of the update, t in the equations, is called where a problem's names are `taken`: t, or step."""
    return next(name for name in ("t", "step", "k", "update", "t_") if name not in taken)


def _lerp(average: str, weight: str) -> str:
    """`average.lerp_(g, weight)`: from the nearer end, as aten/src/ATen/native/Lerp.h has it."""
    near, far = f"{average} + {weight}*(g - {average})", f"g - (g - {average})*(1 - {weight})"
    return f"{average} = where({weight} < 0.5, {near}, {far})"


# PyTorch's form is that of the functions _single_tensor_… in torch/optim/*.py of PyTorch 2.13, which run on the CPU
# unless foreach or fused is asked for. add_(x, alpha=a) is + a·x; addcmul_(x, y, value=a) is + (a·x)·y and
# addcdiv_(x, y, value=a) is + (a·x)/y (aten/src/ATen/native/cpu/PointwiseOpsKernel.cpp).
_OFF = Fraction(0)
_BETAS = (Fraction(9, 10), Fraction(999, 1000))
_EPS = Fraction(1, 10**8)
_WEIGHT_DECAY: Mapping[str, Value] = {"weight_decay": _OFF, "decoupled_weight_decay": False}

_ASCENT = Equation("g = -g", "maximize")
_COUPLED = Equation("g = g + weight_decay*p", "weight_decay !decoupled_weight_decay")
_DECOUPLED = Equation(
    "p = p - lr*weight_decay*p", "weight_decay decoupled_weight_decay", ("k = 1 - lr*weight_decay", "p = k*p")
)
_DECAY = (_DECOUPLED, _COUPLED)
_ALWAYS_DECOUPLED = replaced(_DECOUPLED, when="weight_decay")
_MEAN = Equation("m = beta1*m + (1 - beta1)*g", torch=("a = 1 - beta1", _lerp("m", "a")))
_SQUARES = Equation("v = beta2*v + (1 - beta2)*g^2", torch=("b = 1 - beta2", "v = beta2*v + b*g*g"))

_SGD = Entry(
    "SGD",
    {"momentum": _OFF, "dampening": _OFF, **_WEIGHT_DECAY, "nesterov": False, "maximize": False},
    (State("v", "momentum_buffer", "momentum"),),
    (
        _ASCENT,
        *_DECAY,
        Equation("v = momentum*v + g", "momentum !dampening"),
        # the first buffer is the gradient itself
        Equation(
            "v = where(t == 1, g, momentum*v + (1 - dampening)*g)",
            "momentum dampening",
            ("first = t == 1", "c = 1 - dampening", "v = where(first > 0, g, momentum*v + c*g)"),
        ),
        Equation("p = p - lr*g", "!momentum"),
        Equation("p = p - lr*v", "momentum !nesterov"),
        Equation("p = p - lr*(g + momentum*v)", "momentum nesterov"),
    ),
)


def _adam(name: str, weight_decay: str, options: Mapping[str, Value], *decay: Equation) -> Entry:
    """Adam and AdamW: they differ in how weights decay."""
    scalars = ("s = lr/(1 - beta1^t)", "r = (1 - beta2^t)^0.5")
    return Entry(
        name,
        {
            "betas": _BETAS,
            "eps": _EPS,
            "weight_decay": read_number(weight_decay),
            "amsgrad": False,
            "maximize": False,
            **options,
        },
        (State("m", "exp_avg"), State("v", "exp_avg_sq"), State("v_max", "max_exp_avg_sq", "amsgrad")),
        (
            _ASCENT,
            *decay,
            _MEAN,
            _SQUARES,
            Equation("v_max = max(v_max, v)", "amsgrad"),
            Equation("m_hat = m/(1 - beta1^t)", torch=scalars),
            Equation("v_hat = v/(1 - beta2^t)", "!amsgrad", ("h = sqrt(v)/r + eps",)),
            Equation("v_hat = v_max/(1 - beta2^t)", "amsgrad", ("h = sqrt(v_max)/r + eps",)),
            Equation("p = p - lr*m_hat/(sqrt(v_hat) + eps)", torch=("p = p - s*m/h",)),
        ),
    )


_NADAM = Entry(
    "NAdam",
    {
        "betas": _BETAS,
        "eps": _EPS,
        **_WEIGHT_DECAY,
        "momentum_decay": Fraction(4, 1000),
        "maximize": False,
    },
    (State("m", "exp_avg"), State("v", "exp_avg_sq"), State("mu_product", "mu_product", start="1", single=True)),
    (
        _ASCENT,
        *_DECAY,
        Equation("mu = beta1*(1 - 0.5*0.96^(t*momentum_decay))"),
        Equation("mu_next = beta1*(1 - 0.5*0.96^((t + 1)*momentum_decay))"),
        Equation("mu_product = mu_product*mu"),
        _MEAN,
        _SQUARES,
        Equation(
            "m_hat = mu_next*m/(1 - mu_product*mu_next) + (1 - mu)*g/(1 - mu_product)",
            torch=("c = lr*(1 - mu)/(1 - mu_product)", "d = lr*mu_next/(1 - mu_product*mu_next)", "r = 1 - beta2^t"),
        ),
        Equation("v_hat = v/(1 - beta2^t)", torch=("h = sqrt(v/r) + eps",)),
        Equation("p = p - lr*m_hat/(sqrt(v_hat) + eps)", torch=("p = p - c*g/h", "p = p - d*m/h")),
    ),
)

_ADAMAX = Entry(
    "Adamax",
    {"betas": _BETAS, "eps": _EPS, **_WEIGHT_DECAY, "maximize": False},
    (State("m", "exp_avg"), State("u", "exp_inf")),
    (
        _ASCENT,
        *_DECAY,
        _MEAN,
        Equation("u = max(beta2*u, abs(g) + eps)"),
        Equation("p = p - lr/(1 - beta1^t)*m/u", torch=("s = lr/(1 - beta1^t)", "p = p - s*m/u")),
    ),
)

_RMSPROP = Entry(
    "RMSprop",
    {
        "alpha": Fraction(99, 100),
        "eps": _EPS,
        **_WEIGHT_DECAY,
        "momentum": _OFF,
        "centered": False,
        "maximize": False,
    },
    (
        State("v", "square_avg"),
        State("m", "grad_avg", "centered"),
        State("b", "momentum_buffer", "momentum"),
    ),
    (
        _ASCENT,
        *_DECAY,
        Equation("v = alpha*v + (1 - alpha)*g^2", torch=("a = 1 - alpha", "v = alpha*v + a*g*g")),
        Equation("m = alpha*m + (1 - alpha)*g", "centered", (_lerp("m", "a"),)),
        Equation("d = sqrt(v) + eps", "!centered"),
        Equation("d = sqrt(v - m^2) + eps", "centered", ("d = sqrt(v - m*m) + eps",)),
        Equation("p = p - lr*g/d", "!momentum"),
        Equation("b = momentum*b + g/d", "momentum"),
        Equation("p = p - lr*b", "momentum"),
    ),
)

_ADAGRAD = Entry(
    "Adagrad",
    {
        "lr_decay": _OFF,
        **_WEIGHT_DECAY,
        "initial_accumulator_value": _OFF,
        "eps": Fraction(1, 10**10),
        "maximize": False,
    },
    (State("s", "sum", start="initial_accumulator_value"),),
    (
        _ASCENT,
        *_DECAY,
        Equation("s = s + g^2", torch=("s = s + g*g",)),
        Equation("p = p - lr*g/(sqrt(s) + eps)", "!lr_decay"),
        Equation("lr_t = lr/(1 + (t - 1)*lr_decay)", "lr_decay"),
        Equation("p = p - lr_t*g/(sqrt(s) + eps)", "lr_decay"),
    ),
)

_ADADELTA = Entry(
    "Adadelta",
    {"rho": Fraction(9, 10), "eps": Fraction(1, 10**6), **_WEIGHT_DECAY, "maximize": False},
    (State("v", "square_avg"), State("u", "acc_delta")),
    (
        _ASCENT,
        *_DECAY,
        Equation("v = rho*v + (1 - rho)*g^2", torch=("a = 1 - rho", "v = rho*v + a*g*g")),
        Equation("d = sqrt(u + eps)/sqrt(v + eps)*g"),
        Equation("u = rho*u + (1 - rho)*d^2", torch=("u = rho*u + a*d*d",)),
        Equation("p = p - lr*d"),
    ),
)

_TABLE = (
    _SGD,
    _ADAGRAD,
    _RMSPROP,
    _adam("Adam", "0", {"decoupled_weight_decay": False}, *_DECAY),
    _adam("AdamW", "0.01", {}, _ALWAYS_DECOUPLED),
    _ADADELTA,
    _NADAM,
    _ADAMAX,
)

DECOUPLED_IN_TORCH = ("Adam", "AdamW", "NAdam")  # elsewhere a loop decays the parameters before the step

ENTRIES = {entry.name: entry for entry in _TABLE}
OPTIMIZERS = tuple(ENTRIES)
OPTIONS = tuple(dict.fromkeys(option for entry in _TABLE for option in entry.options))

# what the equations assign, of which every parameter has its own
OWN_NAMES = tuple(dict.fromkeys(read_assignment(e.text).target for entry in _TABLE for e in entry.equations))
