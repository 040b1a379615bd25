"""Tables of what each step begins with: rows k = 0..N, or from k = 1 on with the parameters before the update."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verify
from verify.following.finding import Status

FIT = """\
equations = \"\"\"
p = w*x + b
l = mean((p - y)^2)
\"\"\"
[parameters]
w = {w}
b = {b}
[data]
x = [{x}]
y = [{y}]
[training]
lr = {lr}
epochs = {epochs}
"""
EP = FIT.format(w=0, b=0, x="1, 2, 3, 4, 5", y="3, 5, 8, 9, 12", lr=0.01, epochs=5)
FALLING = 'equations = "l = (w-3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 3\n'  # w = 1, 2, 2.5, 2.75
BATCHES = EP.replace("epochs = 5", "batch_size = 3\nepochs = 2")


def judged(problem: str, table: str) -> tuple[int, dict[str, int], str]:
    """The exit code, how many numbers have each status, and how the table was read."""
    found = verify.audit(problem + f'[claims]\ntable = """\n{table}\n"""\n')
    return found.exit_status, {status.value: count for status, count in found.counts.items()}, "; ".join(found.told)


def test_rows_from_0_to_n_are_all_judged() -> None:
    table = "| k | w | b | J |\n|--|--|--|--|\n| 0 | 0.0000 | 0.0000 | 64.6000 |\n| 1 | 0.5320 | 0.1480 | 37.7148 |\n"
    table += "| 2 | 0.9381 | 0.2611 | 22.0474 |\n| 3 | 1.2480 | 0.3476 | 12.9172 |\n| 4 | 1.4846 | 0.4138 | 7.5966 |\n"
    status, counts, told = judged(EP, table + "| 5 | 1.6652 | 0.4644 | 4.4959 |")
    assert (status, counts) == (0, {"right": 18})
    assert "its last row is read as what a further step would begin with" in told
    assert judged(EP, table + "| 5 | 1.6652 | 0.4644 | 4.4595 |")[:2] == (1, {"right": 17, "wrong": 1})
    assert judged(EP, table + "| 5 | 1.6562 | 0.4644 | 4.4959 |")[:2] == (1, {"right": 17, "wrong": 1})


def test_from_1_on_parameters_may_be_those_before_the_update() -> None:
    table = "k,w,b,J\n1,0,0,64.6\n2,0.5320,0.1480,37.7148\n3,0.9381,0.2611,22.0474\n"
    assert judged(EP, table)[:2] == (0, {"right": 9})
    assert "its parameters are read as those a step begins with" in judged(EP, table)[2]
    assert judged(EP, table.replace("0.9381", "0.9318"))[:2] == (1, {"right": 8, "wrong": 1})
    assert judged(EP, table.replace("1,0,0,", "1,0.1,0,"))[:2] == (1, {"right": 8, "wrong": 1})


@pytest.mark.parametrize(
    ("table", "counts"),
    [
        ("step,w\n1,1", {"wrong": 1}),  # one number may be a forgotten update
        ("step,w\n1,2\n2,2\n3,2.5", {"right": 2, "carried": 1}),  # once more the same, and from there on
        ("step,new w\n1,1\n2,2.0\n3,2.5", {"wrong": 1, "inherited": 2}),  # its name says when
        ("step,w_after\n1,1\n2,2.0\n3,2.5", {"wrong": 1, "inherited": 2}),
        ("step,w\n0,1\n1,1\n2,2.0\n3,2.5", {"right": 1, "wrong": 1, "inherited": 2}),  # the row 0 says when
        ("step,w\n1,2\n2,2.5\n3,2.75", {"right": 3}),
    ],
)
def test_no_table_is_read_so_whose_own_words_or_numbers_speak_against_it(table: str, counts: dict[str, int]) -> None:
    assert judged(FALLING, table)[1] == counts


def test_of_two_ways_to_read_the_state_the_better_one_counts() -> None:
    problem = FALLING.replace("steps", "momentum = 0.5\nsteps")
    assert judged(problem, "step,w,w.v,dl/dw\n1,1,-4,-4\n2,2,-4,-2\n3,3,-2,0")[:2] == (0, {"right": 9})
    assert judged(problem, "step,w,w.v,dl/dw\n1,1,0,-4\n2,2,-4,-2\n3,3,-4,0")[:2] == (0, {"right": 9})


def test_a_last_row_may_stand_below_steps_counted_from_1_too() -> None:
    assert judged(FALLING, "k,w,l\n1,1,4\n2,2,1\n3,2.5,0.25\n4,2.75,0.0625")[:2] == (0, {"right": 8})
    assert judged(FALLING, "k,w,l\n1,1,4\n2,2,1\n3,2.5,0.25\n4,2.75,0.0725")[:2] == (1, {"right": 7, "wrong": 1})


def test_which_batch_would_follow_is_not_guessed() -> None:
    found = verify.audit(BATCHES, claims=[{"k": k, "w": w, "l": 0} for k, w in enumerate((0, 0.4, 0, 0, 0))])
    assert [error.message for error in found.unread] == [
        "loss of a step after the last is not judged: the run has the steps 1 to 4"
    ]


@st.composite
def runs(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """A fit and its table: the parameters that each step begins with and their loss, also after the last step."""
    count = draw(st.integers(2, 4))
    x, y = (draw(st.lists(st.integers(-4, 6), min_size=count, max_size=count)) for _ in "xy")
    w, b, steps = draw(st.integers(-3, 3)), draw(st.integers(-3, 3)), draw(st.integers(2, 5))
    lr = Fraction(draw(st.integers(1, 6)), 100)
    text = FIT.format(w=w, b=b, x=", ".join(map(str, x)), y=", ".join(map(str, y)), lr=float(lr), epochs=steps)
    rows, held = [], (Fraction(w), Fraction(b))
    for _ in range(steps + 1):
        off = [held[0] * one + held[1] - other for one, other in zip(x, y, strict=True)]
        rows.append([f"{float(number):.6f}" for number in (*held, sum(r * r for r in off) / count)])
        slopes = (2 * sum(r * one for r, one in zip(off, x, strict=True)) / count, 2 * sum(off) / count)
        held = (held[0] - lr * slopes[0], held[1] - lr * slopes[1])
    return text, rows


@settings(max_examples=25)
@given(
    run=runs(), first=st.integers(0, 1), without_last=st.booleans(), slip=st.tuples(st.integers(0), st.integers(0, 2))
)
def test_a_slip_is_wrong_at_its_place_and_no_other_verdict_changes(
    run: tuple[str, list[list[str]]], first: int, without_last: bool, slip: tuple[int, int]
) -> None:
    problem, rows = run
    rows = rows[: len(rows) - without_last]
    if (
        len({tuple(row[:2]) for row in rows}) < len(rows)
        or len({row[0] for row in rows} | {row[1] for row in rows}) < 5
    ):
        return  # it hardly moves: which step a number is of cannot be told

    def table() -> list[dict[str, str]]:
        return [{"k": str(k + first), "w": w, "b": b, "l": loss} for k, (w, b, loss) in enumerate(rows)]

    found = verify.audit(problem, claims=table())
    assert not [one for one in found.findings if one.status.is_refused]
    assert len(found.findings) == 3 * len(rows)
    at, column = slip[0] % len(rows), slip[1]
    rows[at][column] = f"{float(rows[at][column]) + 0.07:.6f}"
    found = verify.audit(problem, claims=table())
    refused = [one for one in found.findings if one.status.is_refused]
    assert [(one.claim.literal.text, one.status) for one in refused] == [(rows[at][column], Status.WRONG)]


def beside(table: str, name: str, numbers: tuple[str, ...]) -> str:
    """The table with one more column."""
    return "".join(f"{line},{cell}\n" for line, cell in zip(table.splitlines(), (name, *numbers), strict=True))


def test_losses_may_be_those_of_the_parameters_in_their_own_row() -> None:
    """Rows k = 1, 2, … with w_k, b_k and J(w_k, b_k), without the row 0."""
    table = "k,w,b,J\n1,0.5320,0.1480,37.7148\n2,0.9381,0.2611,22.0474\n3,1.2480,0.3476,12.9172\n"
    assert judged(EP, table)[:2] == (0, {"right": 9})
    told = "its losses are read as those of the parameters in their own row, which its step leaves"
    assert told in judged(EP, table)[2]
    assert judged(EP, table.replace("22.0474", "22.0447"))[:2] == (1, {"right": 8, "wrong": 1})
    last = table + "4,1.4846,0.4138,7.5966\n5,1.6652,0.4644,4.4959\n"  # the loss that a further step would have
    assert judged(EP, last)[:2] == (0, {"right": 15})
    with_derivatives = beside(table, "dJ/dw", ("-40.6080", "-30.9955", "-23.6575"))
    assert judged(EP, with_derivatives)[:2] == (0, {"right": 12})
    assert "its losses and derivatives are read" in judged(EP, with_derivatives)[2]
    of_the_step = beside(table, "dJ/dw", ("-53.2000", "-40.6080", "-30.9955"))
    assert judged(EP, of_the_step)[:2] == (0, {"right": 12})
    assert told in judged(EP, of_the_step)[2]


@settings(max_examples=15)
@given(run=runs(), further=st.integers(0, 3), every=st.integers(1, 2), slip=st.integers(0))
def test_how_losses_are_meant_does_not_depend_on_how_many_steps_follow(
    run: tuple[str, list[list[str]]], further: int, every: int, slip: int
) -> None:
    """A table of losses of the parameters in their own row may end before the run does."""
    problem, rows = run
    rows = rows[every::every]
    if len(rows) < 3 or len({row[0] for row in rows} | {row[1] for row in rows}) < 2 * len(rows):
        return
    steps = problem.split("epochs = ")[1].strip()
    problem = problem.replace(f"epochs = {steps}", f"epochs = {int(steps) + further}")

    def refused() -> list[str]:
        table = [{"k": str(every * k), "w": w, "b": b, "l": loss} for k, (w, b, loss) in enumerate(rows, start=1)]
        found = verify.audit(problem, claims=table)
        assert len(found.findings) == 3 * len(rows)
        return [one.claim.literal.text for one in found.findings if one.status.is_refused]

    assert refused() == []
    at = slip % len(rows)
    rows[at][2] = f"{float(rows[at][2]) + 0.07:.6f}"
    assert refused() == [rows[at][2]]


@pytest.mark.parametrize(
    ("problem", "table"),
    [
        (EP, "loss\n37.7148\n22.0474\n12.9172"),  # no parameters say of which step they are
        (EP, "k,w,b,J\n1,0.5320,0.1480,64.6000\n2,0.9381,0.2611,22.0474"),  # one number may be a slip
        (BATCHES, "step,w,b,loss\n1,0.22,0.1067,20\n2,0.9268,0.2633,21"),  # of another batch
    ],
)
def test_losses_are_not_read_so_where_another_reading_is_as_likely(problem: str, table: str) -> None:
    assert "of the parameters in their own row" not in judged(problem, table)[2]
    assert judged(problem, table)[0] == 1


SHORT = """
equations = "l = mean((w*x + b - y)^2)"
[parameters]
w = {w}
b = {b}
[data]
x = {x}
y = {y}
[training]
lr = 0.001
steps = {steps}
"""


def of_two_digits(seed: int) -> tuple[str, list[dict[str, str]], tuple[int, str]]:
    """A short table of small steps with one slip in a gradient, a tenth of it, and the place of the slip."""
    random = Random(seed)
    w, b, *rest = (Decimal(random.randint(-19, 19)) / 10 for _ in range(6))
    x, y, steps = rest[:2], rest[2:], random.randint(2, 3)
    text = SHORT.format(w=w, b=b, x=[float(one) for one in x], y=[float(one) for one in y], steps=steps)
    at, name = random.randint(1, steps), random.choice(["dl/dw", "dl/db"])
    unit = Decimal("0.001")
    rows = []
    for step in range(1, steps + 1):
        off = [w * one + b - other for one, other in zip(x, y, strict=True)]
        gradients = {
            "dl/dw": sum((one * own for one, own in zip(off, x, strict=True)), Decimal(0)).quantize(unit),
            "dl/db": sum(off, Decimal(0)).quantize(unit),
        }
        loss = (sum((one * one for one in off), Decimal(0)) / 2).quantize(unit)
        if step == at:
            gradients[name] = (gradients[name] / 10).quantize(unit)
        w = (w - unit * gradients["dl/dw"]).quantize(unit)
        b = (b - unit * gradients["dl/db"]).quantize(unit)
        rows.append({"step": str(step), "loss": str(loss), **{k: str(v) for k, v in gradients.items()}})
        rows[-1] |= {"w": str(w), "b": str(b)}
    return text, rows, (at, name)


def test_a_slip_in_a_gradient_makes_no_row_begin_with_what_it_leaves() -> None:
    """The parameters of the row of the slip are nearly those that it begins with."""
    read_so = 0
    for seed in range(40):
        text, rows, slip = of_two_digits(seed)
        found = verify.audit(text, claims=rows)
        wrong = [(one.cell.step, one.cell.name) for one in found.findings if one.status is Status.WRONG]
        assert wrong in ([slip], []), (text, rows)
        read_so += wrong == [slip]
    assert read_so > 30


ONE_ROW = 'equations = "l = (w - 3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 3\n'  # w = 2, 2.5, 2.75


@pytest.mark.parametrize(
    ("table", "status", "told"),
    [
        ("w\n2", 0, ""),
        ("w\n2.75", 0, "its row as step 3, the last one: it names no step"),
        ("w,l\n2.75,0.25", 0, "its row as step 3, the last one: it names no step"),
        ("w,l\n2.75,0.5", 1, "its row as step 3, the last one: it names no step"),
        ("w\n2.5", 1, "its row as step 1: it names no step"),  # of the second: a step has to be named
        ("step,w\n1,2.75", 1, ""),
        ("w\n2\n2.75", 1, ""),
    ],
)
def test_the_only_row_of_a_table_may_be_about_the_last_step(table: str, status: int, told: str) -> None:
    found, _, said = judged(ONE_ROW, table)
    assert found == status
    assert told in said
    assert ("names no step" in said) == bool(told)


LEFT = "i,w,b\n0,0.5320,0.1480\n1,0.9381,0.2611\n2,1.2480,0.3476\n"  # what each step leaves, of a loop from 0 on


@pytest.mark.parametrize(
    "table",
    [
        LEFT,
        "i,0,1,2\nw,0.5320,0.9381,1.2480\nb,0.1480,0.2611,0.3476\n",
        "".join(f"Iteration {i}: w = {w}, b = {b}\n" for i, w, b in (row.split(",") for row in LEFT.split()[1:])),
        str([{"i": 0, "w": 0.532, "b": 0.148}, {"i": 1, "w": 0.9381, "b": 0.2611}, {"i": 2, "w": 1.248, "b": 0.3476}]),
        "i,w,b\n0,0.5320,0.1480\n",  # nothing is right otherwise
    ],
)
def test_a_loop_that_counts_from_0_may_print_what_each_step_leaves(table: str) -> None:
    status, counts, told = judged(EP, table)
    assert (status, set(counts)) == (0, {"right"})
    assert "counts from 0" in told
    assert "its row 0 is read as the first step" in told


def test_a_slip_of_such_a_loop_is_wrong_at_its_place() -> None:
    for number in ("0.5320", "0.2611", "1.2480"):
        assert judged(EP, LEFT.replace(number, f"{number[:-2]}57"))[:2] == (1, {"right": 5, "wrong": 1})


@pytest.mark.parametrize(
    ("table", "counts"),
    [
        ("i,w\n0,1\n1,2\n2,2.5", {"right": 3}),  # a row 0 with what the run begins with
        ("i,w\n0,2\n1,2\n2,2.5", {"wrong": 1, "right": 2}),  # the rows below it are right so
        ("i,w\n0,2", {"wrong": 1}),  # one short number fits by chance
        ("i,w\n0,1\n1,2.5\n2,2.75", {"right": 1, "wrong": 1, "inherited": 1}),  # the row 0 is what it begins with
    ],
)
def test_no_row_0_is_the_first_step_where_the_table_speaks_against_it(table: str, counts: dict[str, int]) -> None:
    assert judged(FALLING, table)[1] == counts


def test_a_way_that_one_short_number_fits_is_told() -> None:
    assert "nearest otherwise: its row 0 as the first step" in judged(FALLING, "i,w\n0,2")[2]


START = """k,w,b,dw,db,J
0,0.0000,0.0000,,,64.6000
1,0.5320,0.1480,-53.2000,-14.8000,37.7148
2,0.9381,0.2611,-40.6080,-11.3120,22.0474
3,1.2480,0.3476,-30.9955,-8.6493,12.9172
"""


def test_a_row_0_may_be_the_start_of_rows_with_the_gradients_of_their_steps() -> None:
    """The gradient is the one that the step used, the loss that of the parameters which it leaves."""
    told = "its row 0 is read as what the run begins with, and its losses are read as those of the parameters in their"
    status, counts, said = judged(EP, START)
    assert (status, counts) == (0, {"right": 18})
    assert told in said
    changes = START.replace("dw,db", "delta w,delta b").replace("-53.2000,-14.8000", "0.5320,0.1480")
    changes = changes.replace("-40.6080,-11.3120", "0.40608,0.11312").replace("-30.9955,-8.6493", "0.309955,0.086493")
    assert judged(EP, changes)[:2] == (0, {"right": 18})
    at_the_row = START.replace(",,,", ",-53.2000,-14.8000,").splitlines()[:2]
    at_the_row += ["1,0.5320,0.1480,-40.6080,-11.3120,37.7148", "2,0.9381,0.2611,-30.9955,-8.6493,22.0474"]
    status, counts, said = judged(EP, "\n".join(at_the_row))
    assert (status, counts) == (0, {"right": 15})
    assert told not in said


@pytest.mark.parametrize("number", [cell for line in START.split()[1:] for cell in line.split(",")[1:] if cell])
def test_a_slip_of_such_a_table_is_wrong_at_its_place(number: str) -> None:
    if number == "0.0000":
        return
    assert judged(EP, START.replace(number, f"{float(number) + 0.05:.4f}"))[:2] == (1, {"right": 17, "wrong": 1})


def test_of_two_gradients_one_may_be_wrong_where_the_start_has_none() -> None:
    """Gradients at the parameters of their own row would stand in the row 0 as well."""
    two = "\n".join(START.splitlines()[:4]).replace("-53.2000", "-52.2000")
    assert judged(EP, two)[:2] == (1, {"right": 12, "wrong": 1})


def test_what_follows_from_a_slip_of_such_a_table_is_inherited() -> None:
    """The first update is made with 53.1 in the place of 53.2, and all is calculated on from there."""
    rows = ["k,w,dw,l", "0,1,,4", "1,2.25,-5,0.5625", "2,2.625,-1.5,0.140625", "3,2.8125,-0.75,0.03515625"]
    assert judged(FALLING, "\n".join(rows))[:2] == (1, {"right": 2, "wrong": 1, "inherited": 8})


def test_lines_of_a_row_may_be_of_its_step_or_of_what_that_leaves() -> None:
    problem = EP.replace("x = [1, 2, 3, 4, 5]\ny = [3, 5, 8, 9, 12]", "x = [2]\ny = [5]").replace("0.01", "0.1")
    # w = 0, 2; b = 0, 1; p = 0, 5
    start = "k,w,b,p[0],dw,l\n0,0,0,{},,25\n1,2,1,{},-20,0\n2,2,1,{},0,0\n"
    assert judged(problem, start.format(0, 5, 5))[:2] == (0, {"right": 14})
    assert judged(problem, start.format("", 0, 5))[:2] == (0, {"right": 13})


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (0, 3, 1, 4, 2, 5), (3, 4, 5, 0, 1, 2)])
def test_a_tidy_table_without_a_step_is_judged_as_one_with_it(order: tuple[int, ...]) -> None:
    rows = ["w,2", "w,2.5", "w,2.75", "dl/dw,-4", "dl/dw,-2", "dl/dw,-1"]
    table = "\n".join(["quantity,value", *(rows[at] for at in order)])
    assert judged(FALLING, table)[:2] == (0, {"right": 6})
    assert judged(FALLING, table.replace("-2", "-2.5"))[:2] == (1, {"right": 5, "wrong": 1})


def test_a_tidy_table_may_have_what_each_step_begins_with_or_losses_of_that() -> None:
    begun = "quantity,value\nw,1\ndl/dw,-4\nw,2\ndl/dw,-2\nw,2.5\ndl/dw,-1\n"
    status, counts, told = judged(FALLING, begun)
    assert (status, counts) == (0, {"right": 6})
    assert "its parameters are read as those a step begins with" in told
    of_left = "quantity,value\nw,2\nl,1\nw,2.5\nl,0.25\nw,2.75\nl,0.0625\n"
    assert judged(FALLING, of_left)[:2] == (0, {"right": 6})


@pytest.mark.parametrize(
    ("table", "status", "told"),
    [
        ("name,value\nw,2\nl,4", 0, ""),
        ("name,value\nw,2.75\nl,0.25", 0, "its rows as step 3, the last one: it names no step"),
        ("name,value\nw,2.75\nl,0.5", 1, "its rows as step 3, the last one: it names no step"),
        ("name,value\nw,2\nl,5", 1, "its rows as step 1: it names no step"),
    ],
)
def test_a_tidy_table_of_one_row_a_name_may_be_about_the_last_step(table: str, status: int, told: str) -> None:
    found, _, said = judged(ONE_ROW, table)
    assert (found, told in said) == (status, True)
    assert ("names no step" in said) == bool(told)


def test_epochs_of_several_batches_may_count_from_0_too() -> None:
    table = "Epoch 0: w = 1.0959, b = 0.2923\nEpoch 1: w = 1.6534, b = 0.4418\n"
    status, counts, told = judged(BATCHES, table)
    assert (status, counts) == (0, {"right": 4})
    assert "the table counts from 0 (in epoch): its row 0 is read as the first" in told
    assert judged(BATCHES, table.replace("1.6534", "1.7534"))[:2] == (1, {"right": 3, "wrong": 1})
    from_1 = "Epoch 0: w = 0, b = 0\nEpoch 1: w = 1.0959, b = 0.2923\nEpoch 2: w = 1.6534, b = 0.4418\n"
    assert judged(BATCHES, from_1)[:2] == (0, {"right": 6})
    assert judged(BATCHES, from_1.replace("1.6534", "1.7534"))[:2] == (1, {"right": 5, "wrong": 1})


SHRUNK = """
equations = "l = mean((w*x + b - y)^2)/2"
[parameters]
w = 0.5
b = 0.2
[data]
x = [1, 2, 4]
y = [2, 3, 9]
[training]
lr = 0.1
steps = 4
"""


@pytest.mark.parametrize("word", ["0", "init"])
@pytest.mark.parametrize(("last", "wrong"), [("0.465", []), ("0.594", [(4, "loss")])])
def test_a_start_with_its_loss_above_the_losses_of_the_steps(
    word: str, last: str, wrong: list[tuple[int, str]]
) -> None:
    """What is printed before a loop, and in it: the loss of each step, and the parameters that it leaves."""
    table = f"step,w,b,loss\n{word},0.5,0.2,8.528\n1,1.570,0.530,8.528\n2,1.814,0.577,0.876\n"
    table += f"3,1.876,0.563,0.495\n4,1.898,0.536,{last}\n"
    found = verify.audit(SHRUNK, claims=table)
    assert [(one.cell.step, one.cell.name) for one in found.findings if one.status.is_refused] == wrong
    assert "its row 0 is read as what the run begins with, and its loss as that of the first step" in found.told
