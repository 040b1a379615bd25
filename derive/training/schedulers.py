"""The schedulers of `torch.optim.lr_scheduler`, one entry each: options, and equations in the paper notation.

From an entry come the equations that are printed, the learning rate that is calculated by hand, and its bound. The
equations are in the names lr_0 (the lr that is given), k (how often the scheduler has stepped, from 0), the options and
the counts of the entry; PyTorch's, where it goes on from the lr that it holds, in the name lr too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from derive.algebra.expression import Apply, Expr, replace
from derive.errors import Place, SettingError
from derive.training.optimizers import ENTRIES as OPTIMIZER_ENTRIES
from derive.training.optimizers import Assignment, Equation, read_assignment
from derive.training.optimizers import written as written_number

Value = Fraction | int | bool | str  # of an option
Options = Mapping[str, Value]

EVERY = ("epoch", "batch")  # after what a scheduler may step


@dataclass(frozen=True)
class Entry:
    """A scheduler by its name in `torch.optim.lr_scheduler`.

    `options` are those with a default, `required` the others; `every` is when it steps, unless that is said.
    `torch` is how PyTorch goes on from the lr it holds, one equation or none for a step (then lr stays); where it is
    empty, PyTorch calculates as on paper. `counts` gives whole numbers that follow from k and the options, and
    `meaning` says what they are; a count stands in `when` as an option does, and is false where no k is known.
    """

    name: str
    required: tuple[str, ...]
    options: Options
    every: str
    paper: tuple[Equation, ...]
    torch: tuple[Equation, ...] = ()
    counts: Callable[[int, Options], Mapping[str, int]] = lambda *_: {}
    meaning: str = ""

    @property
    def known(self) -> tuple[str, ...]:
        """All options."""
        return (*self.required, *self.options)


@dataclass(frozen=True)
class Scheduler:
    """A scheduler with the options that are given; it steps after each `every`, "epoch" or "batch"."""

    name: str
    given: Options = field(default_factory=dict)
    every: str = "epoch"

    @property
    def entry(self) -> Entry:
        """What is known of it."""
        return ENTRIES[self.name]

    @cached_property
    def options(self) -> Options:
        """Every option with its value."""
        return {**self.entry.options, **self.given}

    @cached_property
    def numbers(self) -> Mapping[str, Fraction]:
        """The options that are numbers."""
        return {name: Fraction(v) for name, v in self.options.items() if not isinstance(v, bool | str)}

    def counts(self, k: int) -> Mapping[str, int]:
        """The whole numbers of the entry after k steps of the scheduler."""
        return self.entry.counts(k, self.options)

    def on_paper(self, cycled: str = "", k: int | None = None) -> tuple[Assignment, ...]:
        """The equations under these options, in order; `cycled` is the option that goes up and down with lr, if any.

        After `k` steps, where that is given: a cosine at its lowest is not calculated but known.
        """
        return tuple(self._chosen(self.entry.paper, {} if k is None else self.counts(k), cycled))

    def in_torch(self, k: int, cycled: str = "") -> tuple[Assignment, ...]:
        """What PyTorch calculates in the step number k of the scheduler, from what it holds."""
        if not self.entry.torch:
            return self.on_paper(cycled, k)
        return tuple(self._chosen(self.entry.torch, self.counts(k), cycled))

    @property
    def recursive(self) -> bool:
        """Whether PyTorch goes on from the lr that it holds."""
        return bool(self.entry.torch)

    def cycled(self, optimizer: str) -> str:
        """Which number of the optimizer goes down while lr goes up: "momentum", "beta1", or none.

        Raises `SettingError` for an optimizer that has neither.
        """
        if not self.options.get("cycle_momentum"):
            return ""
        found = OPTIMIZER_ENTRIES[optimizer].options
        if "betas" in found or "momentum" in found:
            return "beta1" if "betas" in found else "momentum"
        raise SettingError(
            f"{self.name} cycles the momentum, and {optimizer} has none; expected cycle_momentum = false, "
            "or an optimizer with momentum or betas"
        )

    @property
    def in_words(self) -> str:
        """`StepLR each epoch, step_size 2, gamma 0.5`: the options that are given."""
        return ", ".join([f"{self.name} each {self.every}", *(f"{n} {written(v)}" for n, v in self.given.items())])

    def _chosen(self, equations: tuple[Equation, ...], counts: Mapping[str, int], cycled: str) -> Iterator[Assignment]:
        holds = {**self.options, **counts, "linear": self.options.get("anneal_strategy") == "linear", "cycled": cycled}
        for equation in equations:
            words = equation.when.split()
            if all(bool(holds.get(word.lstrip("!"))) != word.startswith("!") for word in words):
                found = read_assignment(equation.text)
                yield Assignment(cycled if found.target == "cycled" else found.target, with_pi(found.expr))


def with_pi(expr: Expr) -> Expr:
    """`expr`, in which the name pi is the constant."""
    return replace(expr, lambda ref: Apply("pi", ()) if ref.name == "pi" else ref)


def written(value: Value) -> str:
    """The value of an option: `0.1`, `true`, `linear`."""
    if isinstance(value, str):
        return value
    return written_number(value if isinstance(value, bool) else Fraction(value))


# PyTorch's forms are those of get_lr in torch/optim/lr_scheduler.py of PyTorch 2.13, in Python's float64.


def _decays(k: int, options: Options) -> Mapping[str, int]:
    size = int(options["step_size"])
    return {"m": k // size, "due": int(k % size == 0)}


def _turns(k: int, options: Options) -> Mapping[str, int]:
    """Where the cosine is −1, and the step after it, in which PyTorch would divide by 0 and takes another form."""
    half = int(options["T_max"])
    return {"lowest": int((k - half) % (2 * half) == 0), "turn": int((k - 1 - half) % (2 * half) == 0)}


_STEP = Entry(
    "StepLR",
    ("step_size",),
    {"gamma": Fraction(1, 10)},
    "epoch",
    (Equation("lr = lr_0*gamma^m"),),
    (Equation("lr = lr*gamma", "due"),),
    _decays,
    "`m` is `k`/step_size rounded down",
)

_EXPONENTIAL = Entry(
    "ExponentialLR",
    ("gamma",),
    {},
    "epoch",
    (Equation("lr = lr_0*gamma^k"),),
    (Equation("lr = lr*gamma"),),
)

_COSINE = Entry(
    "CosineAnnealingLR",
    ("T_max",),
    {"eta_min": Fraction(0)},
    "epoch",
    (
        Equation("lr = eta_min + (lr_0 - eta_min)*(1 + cos(pi*k/T_max))/2", "!lowest"),
        Equation("lr = eta_min", "lowest"),
    ),
    (
        Equation("lr = lr + (lr_0 - eta_min)*(1 - cos(pi/T_max))/2", "turn"),
        Equation("lr = (1 + cos(pi*k/T_max))/(1 + cos(pi*(k - 1)/T_max))*(lr - eta_min) + eta_min", "!turn"),
    ),
    _turns,
)


def _annealed(start: str, end: str, share: str, linear: bool) -> str:
    """From `start` to `end` as `share` goes from 0 to 1."""
    if linear:
        return f"({end} - {start})*{share} + {start}"
    return f"{end} + ({start} - {end})/2*(cos(pi*{share}) + 1)"


def _cycle(target: str, part: str, levels: tuple[str, str, str, str], when: str) -> Iterator[Equation]:
    """A number that goes through levels: two phases over three of them (the first, second, fourth), or three over four.

    Each phase has its own equation; where two meet they give the same number.
    """
    low, high, back, least = levels
    for linear in (False, True):
        shape = "linear" if linear else "!linear"
        own = f"{when} {shape}".strip()
        yield Equation(f"{part}_1 = {_annealed(low, high, 'share_1', linear)}", own)
        yield Equation(f"{part}_2 = {_annealed(high, least, 'share_2', linear)}", f"{own} !three_phase")
        yield Equation(f"{part}_2 = {_annealed(high, back, 'share_2', linear)}", f"{own} three_phase")
        yield Equation(f"{part}_3 = {_annealed(back, least, 'share_3', linear)}", f"{own} three_phase")
    two = f"where(k <= end_1, {part}_1, {part}_2)"
    three = f"where(k <= end_1, {part}_1, where(k <= end_2, {part}_2, {part}_3))"
    yield Equation(f"{target} = {two}", f"{when} !three_phase".strip())
    yield Equation(f"{target} = {three}", f"{when} three_phase".strip())


_ONE_CYCLE = Entry(
    "OneCycleLR",
    ("max_lr", "total_steps"),
    {
        "pct_start": Fraction(3, 10),
        "anneal_strategy": "cos",
        "cycle_momentum": True,
        "base_momentum": Fraction(85, 100),
        "max_momentum": Fraction(95, 100),
        "div_factor": Fraction(25),
        "final_div_factor": Fraction(10**4),
        "three_phase": False,
    },
    "batch",
    (
        Equation("first_lr = max_lr/div_factor"),
        Equation("min_lr = first_lr/final_div_factor"),
        Equation("end_1 = pct_start*total_steps - 1"),
        Equation("end_2 = 2*pct_start*total_steps - 2", "three_phase"),
        Equation("share_1 = k/end_1"),
        Equation("share_2 = (k - end_1)/(total_steps - 1 - end_1)", "!three_phase"),
        Equation("share_2 = (k - end_1)/(end_2 - end_1)", "three_phase"),
        Equation("share_3 = (k - end_2)/(total_steps - 1 - end_2)", "three_phase"),
        *_cycle("lr", "lr", ("first_lr", "max_lr", "first_lr", "min_lr"), ""),
        *_cycle("cycled", "momentum", ("max_momentum", "base_momentum", "max_momentum", "max_momentum"), "cycled"),
    ),
)

_TABLE = (_STEP, _EXPONENTIAL, _COSINE, _ONE_CYCLE)

ENTRIES = {entry.name: entry for entry in _TABLE}
SCHEDULERS = tuple(ENTRIES)
OPTIONS = tuple(dict.fromkeys(option for entry in _TABLE for option in entry.known))


def read_scheduler(name: str, options: Options, every: str | None = None, place: Place | None = None) -> Scheduler:
    """The scheduler with its options, each of which is checked on its own already. Raises `SettingError`."""
    entry = ENTRIES[name]
    for key in entry.required:
        if key not in options:
            raise SettingError(f"{name} needs {key}, as in torch.optim.lr_scheduler; give it beside scheduler", place)
    found = Scheduler(name, options, every or entry.every)
    if name == "OneCycleLR":
        _refuse_cycle(found.options, place)
    return found


def _refuse_cycle(options: Options, place: Place | None) -> None:
    """Phases of no length, in which PyTorch would divide by 0."""
    share, total = Fraction(options["pct_start"]), int(options["total_steps"])
    if share * total == 1 or float(share) * total == 1:
        raise SettingError(
            f"pct_start = {written(options['pct_start'])} of total_steps = {total} is one step, and OneCycleLR divides "
            "by the steps after it; expected another pct_start",
            place,
        )
    if options["three_phase"] and (2 * share * total == total + 1 or float(2 * float(share) * total) == total + 1):
        raise SettingError(
            f"pct_start = {written(options['pct_start'])} leaves no step for the third phase, by whose length "
            "OneCycleLR divides; expected another pct_start",
            place,
        )


def check_scheduler_option(name: str | None, key: str, place: Place | None = None) -> None:
    """Raises `SettingError` where the scheduler `name`, None for none, has no option `key`."""
    if name is not None and key in ENTRIES[name].known:
        return
    owners = [entry.name for entry in _TABLE if key in entry.known]
    if name is None:
        raise SettingError(f'{key} needs a scheduler, such as scheduler = "{owners[0]}"', place)
    own = ", ".join(ENTRIES[name].known)
    raise SettingError(
        f"{key} is no option of {name} but of {', '.join(owners)}; the options of {name} are {own}", place
    )
