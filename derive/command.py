"""The command line of `python -m derive`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from derive.chain.derivation import Derivation
from derive.characters import normalise
from derive.console import CommandParser, list_problems, tell, write_out
from derive.errors import ProblemError
from derive.interface import derive
from derive.problem.loading import load, named, shipped
from derive.source.files import check_writable
from derive.steps.choice import EVERYTHING, Choice, read_steps
from derive.steps.equations import STEPS
from derive.steps.update_rules import PLAIN, Gathering, gathering
from derive.training.optimizers import OPTIMIZERS, Optimizer
from derive.training.plan import PLAIN_PLAN, Plan, plan_of
from derive.training.variants import optimizer_of

FORMATS = ("text", "latex", "markdown", "json", "mermaid", "dot")
WHOLE = ("json", "mermaid", "dot")  # always show all there is

_EPILOG = "exit status: 0 done, 2 the input cannot be read or the output not written, 130 interrupted, 143 terminated"


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line: the problem and the flags."""
    found = CommandParser(
        prog="python -m derive",
        description="Derives every gradient of a problem by the chain rule, step by step.",
        epilog=_EPILOG,
    )
    found.add_argument(
        "problem",
        nargs="*",
        metavar="PROBLEM",
        help="a shipped problem, a file, or equations and shapes: 'l = mean((X@w - y)^2)' 'X: (n, k)'",
    )
    found.add_argument("--list", action="store_true", help="list the shipped problems")
    found.add_argument("--wrt", metavar="NAMES", help="derive for these names (w,b); all parameters when left out")
    found.add_argument(
        "--steps", metavar="KINDS", help=f"show only these steps: {', '.join(STEPS)} or all, several with commas"
    )
    found.add_argument("--node", metavar="NAME", help="show only what concerns one name: its line, partials, gradient")
    found.add_argument("--format", choices=FORMATS, default="text", help="text when left out")
    found.add_argument("--ascii", action="store_true", help="write dl/dw for ∂l/∂w: no character beyond ASCII")
    found.add_argument("--output", metavar="FILE", help="write to a file, whole or not at all")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Derives and prints; returns the exit status 0. Raises `HandgradError`, which `console.run` prints."""
    options = parser().parse_args(argv)
    if options.list:
        return list_problems(shipped())
    choice = _choice(options)
    if options.output is not None:
        check_writable(options.output)
    problem = load(named(options.problem))
    tell(problem.notes)
    derivation = derive(problem, _names(options.wrt))
    training = problem.training
    name = training.optimizer or OPTIMIZERS[0]
    optimizer = optimizer_of(name, training.options, training.variant) if problem.trains else None
    if optimizer is None and choice.steps == ("update",):
        raise ProblemError(f"--steps update: {problem.source} has no [training], and so no update; leave --steps out")

    if options.format == "json" and problem.trains and plan_of(training) != PLAIN_PLAN:
        tell(["--format json has the equations of the optimizer alone; how lr goes, clipping and groups are left out"])

    def shown(ascii_only: bool) -> str:
        sums = gathering(problem.training, bool(problem.data))
        plan = plan_of(training) if problem.trains else PLAIN_PLAN
        return render(derivation, options.format, problem.title, optimizer, choice, sums, plan, ascii_only=ascii_only)

    if options.output is not None:
        from derive.source.files import write_whole

        write_whole(options.output, shown(options.ascii))
    else:
        write_out(shown(options.ascii), lambda: shown(True))
    return 0


def render(
    derivation: Derivation,
    form: str,
    title: str,
    optimizer: Optimizer | str | None,
    choice: Choice = EVERYTHING,
    sums: Gathering = PLAIN,
    plan: Plan = PLAIN_PLAN,
    *,
    ascii_only: bool = False,
) -> str:
    """Returns the derivation as text in `form`, one of `FORMATS`; those of `WHOLE` ignore `choice`, `sums` and `plan`.

    Raises `EquationError` where `choice` names something that is not in the graph. The module of a format is
    imported only when it is asked for, to start quickly.
    """
    match form:
        case "json":
            from derive.show.json_document import to_json as whole
        case "mermaid":
            from derive.show.pictures import to_mermaid as whole
        case "dot":
            from derive.show.pictures import to_dot as whole
        case "latex":
            from derive.show.latex import to_latex as show
        case "markdown":
            from derive.show.markdown import to_markdown as show
        case _:
            from derive.show.text import to_text as show
    if form in WHOLE:
        return whole(derivation, title, optimizer, ascii_only=ascii_only)
    return show(derivation, title, optimizer, choice=choice, gathering=sums, plan=plan, ascii_only=ascii_only)


def _choice(options: argparse.Namespace) -> Choice:
    """What --steps and --node choose. Raises `ProblemError` for a format that always shows all."""
    steps = STEPS if options.steps is None else read_steps(options.steps)
    found = Choice(steps, None if options.node is None else normalise(options.node.strip()))
    if found != EVERYTHING and options.format in WHOLE:
        chosen_by = "--steps" if options.node is None else "--node"
        others = ", ".join(form for form in FORMATS if form not in WHOLE)
        raise ProblemError(
            f"--format {options.format} always shows everything; leave out {chosen_by}, or take {others}"
        )
    return found


def _names(wrt: str | None) -> list[str] | None:
    """The names of --wrt."""
    if wrt is None:
        return None
    names = [name.strip() for name in wrt.split(",")]
    if not all(names):
        raise ProblemError(f"--wrt {wrt!r} has an empty name; expected names such as w,b")
    return names
