"""Random graphs in index notation with their gradients in any spelling, from a seed; nothing of `derive` is used.

A tree is written in one of two notations, evaluated by PyTorch in float64, and differentiated by the three rules for
index notation: a factor is the partial of an operation, a sum over an index passes a gradient on, and what a name is
read with fewer indices than the gradient has is summed over the others. What is right is decided by autograd alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import count
from random import Random

import torch

LETTERS = "ijkmprs"
TIE = 1e-11  # numbers that are equal, as float64 calculates them in two ways
SAMPLES = "n"  # the size of an axis that runs over the samples


@dataclass(frozen=True)
class Letter:
    """An index: `size` is a number, or `SAMPLES`. No two sums of a tree share one, whatever they are written with."""

    mark: int
    size: int | str


Letters = tuple[Letter, ...]


@dataclass(frozen=True)
class Leaf:
    """A name with its indices; `n` has none."""

    name: str
    letters: Letters = ()


@dataclass(frozen=True)
class Const:
    """A number as it is written."""

    text: str


@dataclass(frozen=True)
class Op:
    """An operation, entry by entry: one of `OPERATIONS`."""

    op: str
    args: tuple[Tree, ...]


@dataclass(frozen=True)
class Over:
    """`op` is sum, mean, softmax or logsumexp of `body` over `letters`."""

    op: str
    letters: Letters
    body: Tree


Tree = Leaf | Const | Op | Over


def _larger(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The larger of two numbers; both share the derivative where they are equal but for float64's rounding."""
    return torch.where(x > y + TIE, x, torch.where(y > x + TIE, y, (x + y) / 2))


OPERATIONS: Mapping[str, tuple[str, Callable[..., torch.Tensor]]] = {
    "add": ("{0} + {1}", lambda x, y: x + y),
    "sub": ("{0} - {1}", lambda x, y: x - y),
    "mul": ("{0}*{1}", lambda x, y: x * y),
    "div": ("{0}/{1}", lambda x, y: x / y),
    "neg": ("-{0}", lambda x: -x),
    "square": ("{0}^2", lambda x: x**2),
    "cube": ("{0}^3", lambda x: x**3),
    "sqrt": ("sqrt({0})", torch.sqrt),
    "exp": ("exp({0})", torch.exp),
    "log": ("log({0})", torch.log),
    "tanh": ("tanh({0})", torch.tanh),
    "sigmoid": ("sigmoid({0})", torch.sigmoid),
    "sin": ("sin({0})", torch.sin),
    "cos": ("cos({0})", torch.cos),
    "relu": ("relu({0})", lambda x: torch.where(x > TIE, x, 0)),
    "abs": ("abs({0})", lambda x: torch.where(x.abs() > TIE, x.abs(), 0)),
    "sign": ("sign({0})", lambda x: torch.where(x.abs() > TIE, torch.sign(x), 0)),
    "max": ("max({0}, {1})", _larger),
    "min": ("min({0}, {1})", lambda x, y: -_larger(-x, -y)),
    "above": ("where({0} > {1}, {2}, {3})", lambda a, b, x, y: torch.where(a > b + TIE, x, y)),
}
_BARE = {"add", "sub", "mul", "div", "neg", "square", "cube"}  # written without a name: operands need parentheses
ZERO, ONE, TWO, THREE = Const("0"), Const("1"), Const("2"), Const("3")


def op(name: str, *args: Tree) -> Tree:
    """An operation; a product with 1 or 0 is left out, since nobody writes it."""
    if name == "mul":
        if ZERO in args:
            return ZERO
        if ONE in args:
            return args[1] if args[0] == ONE else args[0]
    return Op(name, args)


def _share(x: Tree, y: Tree) -> Tree:
    """The share of x in the larger of the two: half of it where they are equal, which can be so everywhere."""
    return op("above", x, y, ONE, op("above", y, x, ZERO, Const("1/2")))


def summed(tree: Tree, over: Collection[Letter]) -> Tree:
    """The sum over letters; where the tree does not run over one, it is taken so many times."""
    for one in sorted(set(over) - free(tree), key=lambda one: one.mark):
        tree = op("mul", Leaf(SAMPLES) if one.size == SAMPLES else Const(str(one.size)), tree)
    inside = tuple(sorted(set(over) & free(tree), key=lambda one: one.mark))
    return Over("sum", inside, tree) if inside else tree


_PARTIALS: Mapping[str, Callable[..., tuple[Tree, ...]]] = {
    "add": lambda x, y: (ONE, ONE),  # noqa: ARG005
    "sub": lambda x, y: (ONE, Const("-1")),  # noqa: ARG005
    "mul": lambda x, y: (y, x),
    "div": lambda x, y: (op("div", ONE, y), op("neg", op("div", x, op("square", y)))),
    "neg": lambda x: (Const("-1"),),  # noqa: ARG005
    "square": lambda x: (op("mul", TWO, x),),
    "cube": lambda x: (op("mul", THREE, op("square", x)),),
    "sqrt": lambda x: (op("div", ONE, op("mul", TWO, op("sqrt", x))),),
    "exp": lambda x: (op("exp", x),),
    "log": lambda x: (op("div", ONE, x),),
    "tanh": lambda x: (op("sub", ONE, op("square", op("tanh", x))),),
    "sigmoid": lambda x: (op("mul", op("sigmoid", x), op("sub", ONE, op("sigmoid", x))),),
    "sin": lambda x: (op("cos", x),),
    "cos": lambda x: (op("neg", op("sin", x)),),
    "relu": lambda x: (op("above", x, ZERO, ONE, ZERO),),
    "abs": lambda x: (op("sign", x),),
    "max": lambda x, y: (_share(x, y), _share(y, x)),
    "min": lambda x, y: (_share(y, x), _share(x, y)),
    "above": lambda a, b, x, y: (ZERO, ZERO, op("above", a, b, ONE, ZERO), op("above", a, b, ZERO, ONE)),  # noqa: ARG005
}


def children(tree: Tree) -> tuple[Tree, ...]:
    """The parts of a tree."""
    return tree.args if isinstance(tree, Op) else (tree.body,) if isinstance(tree, Over) else ()


def rebuilt(tree: Tree, parts: Sequence[Tree]) -> Tree:
    """The tree with other parts."""
    if isinstance(tree, Op):
        return replace(tree, args=tuple(parts))
    return replace(tree, body=parts[0]) if isinstance(tree, Over) else tree


def walk(tree: Tree) -> Iterator[Tree]:
    """The tree and all its parts."""
    yield tree
    for part in children(tree):
        yield from walk(part)


@cache
def free(tree: Tree) -> frozenset[Letter]:
    """The letters along which it runs."""
    if isinstance(tree, Leaf):
        return frozenset(tree.letters)
    found = frozenset[Letter]().union(*map(free, children(tree)))
    return found - set(tree.letters) if isinstance(tree, Over) and tree.op != "softmax" else found


_marks = count()


def letter(size: int | str) -> Letter:
    """A letter of its own."""
    return Letter(next(_marks), size)


def renamed(tree: Tree, pairs: Mapping[Letter, Letter]) -> Tree:
    """The tree along other letters, each of its sums over letters of its own."""
    if isinstance(tree, Leaf):
        return replace(tree, letters=tuple(pairs.get(one, one) for one in tree.letters))
    if isinstance(tree, Over):
        own = {one: letter(one.size) for one in tree.letters} if tree.op != "softmax" else {}
        inner = {**pairs, **own}
        return replace(tree, letters=tuple(inner.get(one, one) for one in tree.letters), body=renamed(tree.body, inner))
    return rebuilt(tree, [renamed(part, pairs) for part in children(tree)])


def gradients(tree: Tree, above: Tree, along: frozenset[Letter]) -> Iterator[tuple[Leaf, Tree]]:
    """For each time that a name is read, the gradient along its indices; `above` is that of the tree, along `along`."""
    match tree:
        case Leaf(name=name, letters=letters):
            if above != ZERO and name != SAMPLES:
                yield tree, summed(above, along - set(letters))
        case Op(op=name, args=args):
            for part, factor in zip(args, _PARTIALS[name](*args), strict=True):
                yield from gradients(part, op("mul", above, factor), along)
        case Over(op="sum", letters=letters, body=body):
            yield from gradients(body, above, along | set(letters))
        case Over(op="mean", letters=letters, body=body):
            shared = above
            for one in letters:
                shared = op("div", shared, Leaf(SAMPLES) if one.size == SAMPLES else Const(str(one.size)))
            yield from gradients(body, shared, along | set(letters))
        case Over(op="logsumexp", letters=letters, body=body):
            share = Over("softmax", letters, body)
            yield from gradients(body, op("mul", above, share), along | set(letters))
        case Over(op="softmax", letters=(one,), body=body):
            other = letter(one.size)
            mean = summed(renamed(op("mul", above, tree), {one: other}), (other,))
            yield from gradients(body, op("mul", tree, op("sub", above, mean)), along)


def value(tree: Tree, env: Mapping[str, torch.Tensor], along: Letters) -> torch.Tensor:
    """The numbers of a tree along `along`."""
    sizes = {SAMPLES: int(env[SAMPLES])}
    every = tuple(dict.fromkeys([*along, *(one for part in walk(tree) for one in _own(part))]))
    place = {one: k for k, one in enumerate(every)}

    def at(tree: Tree) -> torch.Tensor:
        match tree:
            case Const(text=text):
                return torch.tensor(float(Fraction(text)), dtype=torch.float64).reshape((1,) * len(every))
            case Leaf(name=name, letters=letters):
                order = sorted(range(len(letters)), key=lambda k: place[letters[k]])
                found = env[name].permute(order) if letters else env[name]
                shape = [1] * len(every)
                for one in letters:
                    shape[place[one]] = sizes.get(one.size, one.size)  # type: ignore[call-overload,assignment]
                return found.reshape(shape)
            case Op(op=name, args=args):
                return OPERATIONS[name][1](*torch.broadcast_tensors(*map(at, args)))
            case Over(op=name, letters=letters, body=body):
                whole = at(body)
                shape = list(whole.shape)
                for one in letters:
                    shape[place[one]] = sizes.get(one.size, one.size)  # type: ignore[call-overload,assignment]
                whole = whole.expand(shape)
                axes = [place[one] for one in letters]
                if name == "softmax":
                    return torch.softmax(whole, axes[0])
                by_name = {"sum": torch.sum, "mean": torch.mean, "logsumexp": torch.logsumexp}
                return by_name[name](whole, axes, keepdim=True)
        raise TypeError(tree)

    found = at(tree).expand([sizes.get(one.size, one.size) if one in along else -1 for one in every])  # type: ignore[call-overload]
    return found.reshape([sizes.get(one.size, one.size) for one in along])  # type: ignore[call-overload]


def _own(tree: Tree) -> Letters:
    return tree.letters if isinstance(tree, Leaf | Over) else ()


# --- writing


def indexed(tree: Tree, names: Mapping[Letter, str], random: Random, sizes: dict[str, int | str] | None = None) -> str:
    """The tree with indices; a sum takes any letter that its body does not have.

    With `sizes` a letter has one size throughout, as in a line.
    """
    match tree:
        case Const(text=text):
            return text
        case Leaf(name=name, letters=letters):
            return f"{name}[{','.join(names[one] for one in letters)}]" if letters else name
        case Op(op=name, args=args):
            return _joined(name, args, [indexed(part, names, random, sizes) for part in args])
        case Over(op=name, letters=letters, body=body):
            own = dict(names)
            taken = {names[one] for one in free(body) if one not in letters or name == "softmax"}
            for one in letters if name != "softmax" else ():
                fitting = [
                    c for c in LETTERS if c not in taken and (sizes is None or sizes.get(c, one.size) == one.size)
                ]
                own[one] = random.choice(fitting)
                taken.add(own[one])
                if sizes is not None:
                    sizes[own[one]] = one.size
            return f"{name}({indexed(body, own, random, sizes)}, {', '.join(own[one] for one in letters)})"
    raise TypeError(tree)


def _joined(name: str, args: Sequence[Tree], texts: Sequence[str]) -> str:
    if name in _BARE:
        texts = [_in_parentheses(name, k, part, text) for k, (part, text) in enumerate(zip(args, texts, strict=True))]
    return OPERATIONS[name][0].format(*texts)


def _in_parentheses(name: str, place: int, part: Tree, text: str) -> str:
    """The operand of an operation, in parentheses where it needs them."""
    if isinstance(part, Op) and part.op in _BARE:
        plain = (
            name == "add" or (name == "sub" and place == 0) or (name == "mul" and part.op in ("mul", "square", "cube"))
        )
        return text if plain and part.op != "neg" else f"({text})"
    is_quotient = "/" in text and isinstance(part, Leaf)  # dl/dh
    return f"({text})" if text.startswith("-") or is_quotient or " @ " in text else text


def bare(tree: Tree) -> tuple[str, Letters] | None:
    """The tree without indices, with its axes in order; None where it cannot be written so."""
    match tree:
        case Const(text=text):
            return text, ()
        case Leaf(name=name, letters=letters):
            return name, letters
        case Op(op=name, args=args):
            parts = [bare(part) for part in args]
            if None in parts:
                return None
            fitted = _fitted([part for part in parts if part is not None])
            return (_joined(name, args, fitted[0]), fitted[1]) if fitted else None
        case Over(op="softmax", letters=(one,), body=body):
            inner = bare(body)
            return (f"softmax({inner[0]})", inner[1]) if inner and inner[1][-1:] == (one,) else None
        case Over(op=name, letters=letters, body=body):
            if name == "sum" and len(letters) == 1 and (product := _product(letters[0], body)) is not None:
                return product
            inner = bare(body)
            return (f"{name}({inner[0]})", ()) if inner and inner[1] and set(inner[1]) == set(letters) else None
    raise TypeError(tree)


def _fitted(parts: Sequence[tuple[str, Letters]]) -> tuple[list[str], Letters] | None:
    """Operands entry by entry: shapes that fit from the last axis on, transposed where they are the other way round."""
    whole = max((letters for _, letters in parts), key=len)
    texts = []
    for text, letters in parts:
        if len(letters) == 2 and letters == whole[::-1] and letters != whole:
            texts.append(f"transpose({text})")
        elif letters == whole[len(whole) - len(letters) :]:
            texts.append(text)
        else:
            return None
    return texts, whole


def factors(tree: Tree) -> list[Tree]:
    """What a product is made of."""
    return [f for part in tree.args for f in factors(part)] if isinstance(tree, Op) and tree.op == "mul" else [tree]


def product_of(parts: Sequence[Tree]) -> Tree:
    """The product of several trees."""
    found = parts[0]
    for part in parts[1:]:
        found = op("mul", found, part)
    return found


def _product(one: Letter, body: Tree) -> tuple[str, Letters] | None:
    """A sum of products as a product of matrices."""
    groups: dict[frozenset[Letter], list[Tree]] = {}
    for factor in factors(body):
        groups.setdefault(free(factor), []).append(factor)
    inside = [key for key in groups if one in key]
    outside = [key for key in groups if one not in key and key]
    numbers = groups.get(frozenset(), [])
    if len(inside) != 2 or outside:
        return None
    found = []
    for key, is_left in zip(inside, (True, False), strict=True):
        part = bare(product_of(groups[key]))
        if part is None or len(part[1]) > 2:
            return None
        text, letters = part
        text = f"({text})" if any(sign in text for sign in " */-^") and not text.startswith("transpose(") else text
        if len(letters) == 2 and (letters[1] if is_left else letters[0]) != one:
            text, letters = f"transpose({text})", letters[::-1]
        found.append((text, tuple(c for c in letters if c != one)))
    (left, rows), (right, columns) = found
    if set(rows) & set(columns):
        return None
    text = f"({left} @ {right})"
    if numbers:
        scale = bare(product_of(numbers))
        assert scale is not None
        text = f"({scale[0]})*{text}"
    return text, (*rows, *columns)


# --- graphs


@dataclass(frozen=True)
class Line:
    """A line of the problem: its name along letters, and its right side."""

    name: str
    letters: Letters
    tree: Tree


@dataclass(frozen=True)
class IndexGraph:
    """Lines in order, the last of which is the loss, over what is given; `text` is the problem file."""

    given: Mapping[str, tuple[int | str, ...]]
    parameters: tuple[str, ...]
    lines: tuple[Line, ...]
    text: str
    batches: tuple[int, ...]  # the sizes that occur

    def env(self, seed: int, n: int, rows: Mapping[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        """Every name and every ∂l/∂name, as dl/dh, by autograd, at random numbers for a batch of n samples.

        Of the names in `rows` the numbers are n of these rows, some of them more than once.
        """
        numbers = torch.Generator().manual_seed(seed)
        given = {}
        for name, shape in self.given.items():
            own = [n if size == SAMPLES else int(size) for size in shape]
            given[name] = torch.rand(own, generator=numbers, dtype=torch.float64) * 4 - 2
            if rows and name in rows:
                given[name] = rows[name][(torch.arange(n) + seed) % len(rows[name])]
        return self.at(given, n)

    def at(self, given: Mapping[str, torch.Tensor], n: int) -> dict[str, torch.Tensor]:
        """As `env`, at given numbers."""
        found: dict[str, torch.Tensor] = {SAMPLES: torch.tensor(float(n), dtype=torch.float64)}
        found |= {name: numbers.clone().requires_grad_() for name, numbers in given.items()}
        for line in self.lines:
            found[line.name] = value(line.tree, found, line.letters)
            if not found[line.name].requires_grad:
                found[line.name].requires_grad_()
        names = [*self.given, *(line.name for line in self.lines)]
        slopes = torch.autograd.grad(found["l"], [found[name] for name in names], allow_unused=True)
        with torch.no_grad():
            for name, slope in zip(names, slopes, strict=True):
                found[f"dl/d{name}"] = torch.zeros_like(found[name]) if slope is None else slope
        return {name: tensor.detach() for name, tensor in found.items()}

    def axes(self, name: str) -> Letters:
        """Letters of its own for the axes of a name."""
        shape = self.given.get(name)
        if shape is None:
            [line] = [line for line in self.lines if line.name == name]
            return tuple(letter(one.size) for one in line.letters)
        return tuple(letter(size) for size in shape)

    def expanded(self, tree: Tree, random: Random, share: float) -> Tree:
        """The tree with some of its gradients and lines put in as formulas."""
        if isinstance(tree, Leaf) and random.random() < share:
            own = tree.name.removeprefix("dl/d")
            if own != tree.name and own != "l":
                terms = self.pieces(own, tree.letters)
                if terms:
                    return self.expanded(_sum_of(terms), random, share)
            for line in self.lines:
                if line.name == tree.name and line.name != "l":
                    inner = renamed(line.tree, dict(zip(line.letters, tree.letters, strict=True)))
                    return self.expanded(inner, random, share)
        if isinstance(tree, Over) and tree.op == "sum":
            return summed(self.expanded(tree.body, random, share), tree.letters)
        return rebuilt(tree, [self.expanded(part, random, share) for part in children(tree)])

    def pieces(self, name: str, along: Letters) -> list[Tree]:
        """The terms of ∂l/∂name along given letters, one for each time that a line reads it."""
        found = []
        for line in self.lines:
            above: Tree = ONE if line.name == "l" else Leaf(f"dl/d{line.name}", line.letters)
            for leaf, tree in gradients(line.tree, above, frozenset(line.letters)):
                if leaf.name == name:
                    found.append(renamed(tree, dict(zip(leaf.letters, along, strict=True))))
        return found


def _sum_of(terms: Sequence[Tree]) -> Tree:
    found = terms[0]
    for term in terms[1:]:
        found = op("add", found, term)
    return found


# u and v stand for operands; every operation is kept inside its domain.
_U, _V = Leaf("u"), Leaf("v")
_UNARY: tuple[Tree, ...] = (
    op("tanh", _U),
    op("sigmoid", _U),
    op("exp", op("div", _U, TWO)),
    op("log", op("add", ONE, op("square", _U))),
    op("sqrt", op("add", ONE, op("square", _U))),
    op("relu", _U),
    op("abs", _U),
    op("sin", _U),
    op("square", _U),
    op("mul", THREE, _U),
    op("neg", _U),
    op("above", _U, ZERO, _U, op("square", _U)),
    op("max", _U, ONE),
    op("min", _U, Const("1/2")),
)
_BINARY: tuple[Tree, ...] = (
    *[op("mul", _U, _V)] * 4,
    *[op("add", _U, _V)] * 2,
    *[op("sub", _U, _V)] * 2,
    op("div", _U, op("add", TWO, op("square", _V))),
    op("max", _U, _V),
    op("min", _U, _V),
    op("above", _U, _V, op("mul", _U, _V), _V),
)


def _put(form: Tree, **operands: Tree) -> Tree:
    if isinstance(form, Leaf):
        return operands[form.name]
    return rebuilt(form, [_put(part, **operands) for part in children(form)])


def _line(random: Random, name: str, pool: Sequence[tuple[str, tuple[int | str, ...]]]) -> Line | None:
    """A random line over the names of a pool; None where it has too many letters."""
    letters: list[Letter] = []
    leaves: list[Tree] = []
    for own, shape in (random.choice(pool) for _ in range(random.choice((1, 2, 2, 3)))):
        taken: list[Letter] = []
        for size in shape:
            fitting = [one for one in letters if one.size == size and one not in taken]
            one = random.choice(fitting) if fitting and random.random() < 0.75 else letter(size)
            taken.append(one)
            letters += [one] * (one not in letters)
        leaves.append(Leaf(own, tuple(taken)))
    if len(letters) > 4:
        return None
    body = leaves[0]
    for leaf in leaves[1:]:
        body = _put(random.choice(_BINARY), u=body, v=leaf)
    if random.random() < 0.45:
        body = _put(random.choice(_UNARY), u=body)
    inside = sorted(free(body), key=lambda one: one.mark)
    random.shuffle(inside)
    kind = random.random()
    if inside and kind < 0.1:
        body = Over("softmax", (random.choice([one for one in inside if one.size != SAMPLES] or inside),), body)
    elif inside and kind < 0.16:
        one = inside.pop()
        body = Over("logsumexp", (one,), body)
    elif inside and kind < 0.2:
        body, inside = op("sqrt", op("add", Const("1/4"), Over("sum", tuple(inside), op("square", body)))), []
    keep = min(len(inside), random.choice((0, 1, 1, 2, 2, 2)))
    over = tuple(inside[keep:])
    if over:
        body = Over(random.choice(("sum", "sum", "sum", "mean")), over, body)
    return Line(name, tuple(inside[:keep]), body)


def random_graph(random: Random) -> IndexGraph:
    """One to three lines and a loss, over up to three parameters and up to two columns of data."""
    sizes = random.choice([(2,), (2,), (2, 3), (3,)])
    given: dict[str, tuple[int | str, ...]] = {}
    for name in "WVbq"[: random.randint(1, 3)]:
        given[name] = tuple(random.choice(sizes) for _ in range(random.choice((0, 1, 2, 2))))
    parameters = tuple(given)
    for name in "Xy"[: random.choice((0, 1, 2, 2))]:
        given[name] = (SAMPLES, *(random.choice(sizes) for _ in range(random.choice((0, 1)))))
    lines: list[Line] = []
    pool = [*given.items(), *((name, given[name]) for name in parameters)]
    total = random.choice((1, 1, 2, 2, 3))
    while len(lines) < total:
        line = _line(random, f"h{len(lines) + 1}", pool)
        if line is not None:
            lines.append(line)
            pool += [(line.name, tuple(one.size for one in line.letters))] * 4
    lines.append(Line("l", (), _loss(random, lines, given, parameters)))
    lines = _used(lines)
    read = {part.name for line in lines for part in walk(line.tree) if isinstance(part, Leaf)}
    parameters = tuple(name for name in parameters if name in read)
    given = {name: shape for name, shape in given.items() if name in read}
    if not parameters:
        return random_graph(random)
    text, batches = _file(random, given, parameters, lines)
    return IndexGraph(given, parameters, tuple(lines), text, batches)


def _loss(
    random: Random, lines: Sequence[Line], given: Mapping[str, tuple[int | str, ...]], parameters: Sequence[str]
) -> Tree:
    last = Leaf(lines[-1].name, tuple(letter(one.size) for one in lines[-1].letters))
    body: Tree = _put(random.choice((_U, op("square", _U), op("tanh", _U))), u=last)
    whole: Tree = Over(random.choice(("sum", "mean")), last.letters, body) if last.letters else body
    if SAMPLES in {one.size for one in last.letters} and isinstance(whole, Over) and random.random() < 0.4:
        whole = op("mul", op("div", ONE, Leaf(SAMPLES)), replace(whole, op="sum"))
    if random.random() < 0.5:
        name = random.choice(parameters)
        own = tuple(letter(size) for size in given[name])
        square = op("square", Leaf(name, own))
        whole = op("add", whole, op("mul", Const("1/4"), Over("sum", own, square) if own else square))
    return whole


def _used(lines: Sequence[Line]) -> list[Line]:
    """The lines that the loss depends on."""
    wanted, kept = {"l"}, []
    for line in reversed(lines):
        if line.name in wanted:
            kept.append(line)
            wanted |= {part.name for part in walk(line.tree) if isinstance(part, Leaf)}
    return kept[::-1]


def _file(
    random: Random, given: Mapping[str, tuple[int | str, ...]], parameters: Sequence[str], lines: Sequence[Line]
) -> tuple[str, tuple[int, ...]]:
    written = []
    for line in lines:
        plain = bare(line.tree) if random.random() < 0.4 else None
        if plain is not None and plain[1] in (line.letters, line.letters[::-1]):
            right = plain[0] if plain[1] == line.letters else f"transpose({plain[0]})"
            written.append(f"{line.name} = {right}")
            continue
        names = dict(zip(line.letters, random.sample(LETTERS, len(line.letters)), strict=True))
        right = indexed(line.tree, names, random, {names[one]: one.size for one in line.letters})
        left = f"{line.name}[{','.join(names.values())}]" if names else line.name
        written.append(f"{left} = {right}")
    samples = random.choice((3, 4))
    text = ['equations = """', *written, '"""', "[parameters]"]
    text += [f"{name} = {_listed(random, given[name], samples)}" for name in parameters]
    columns = [name for name in given if name not in parameters]
    if columns:
        text += ["[data]", *(f"{name} = {_listed(random, given[name], samples)}" for name in columns)]
    size = random.choice((2, samples))
    text += ["[training]", "lr = 0.1"] + [f"batch_size = {size}"] * bool(columns)
    batches = tuple(dict.fromkeys((size, samples % size or size))) if columns else (1,)
    return "\n".join(text) + "\n", batches


def _listed(random: Random, shape: tuple[int | str, ...], samples: int) -> str:
    if not shape:
        return str(random.choice([k for k in range(-20, 30) if k not in (-10, 0, 10)]) / 10)
    length = samples if shape[0] == SAMPLES else int(shape[0])
    return f"[{', '.join(_listed(random, shape[1:], samples) for _ in range(length))}]"


# --- claims


@dataclass(frozen=True)
class IndexClaim:
    """A formula for a gradient of a graph; `kind` is empty where it is the derived one, else the planted change."""

    graph: IndexGraph
    key: str
    text: str
    name: str
    axes: Letters
    tree: Tree
    kind: str = ""

    def is_right(self, n: int, seed: int = 0, rows: Mapping[str, torch.Tensor] | None = None) -> bool | None:
        """Whether it is the gradient at random points with batches of n samples; None where float64 does not tell."""
        told = set()
        for k in range(8):
            env = self.graph.env(100 * seed + k, n, rows)
            claimed, right = value(self.tree, env, self.axes), env[f"dl/d{self.name}"]
            size = float(right.abs().max()) + 1e-300
            off = float((claimed - right).abs().max()) / max(size, 1.0)
            told.add(True if off < 1e-9 else False if off > 1e-6 else None)
        if False in told:
            return False
        return None if None in told else True


MISTAKES = (
    "sign", "factor 2", "dropped summand", "transposed",
    "wrong letter", "forgotten path", "forgotten 1/n", "wrong axis",
)  # fmt: skip


def claim(random: Random, graph: IndexGraph, kind: str = "") -> IndexClaim | None:
    """The gradient by some name in random words, with a change of a kind; None where the kind does not apply."""
    names = [*graph.parameters, *(line.name for line in graph.lines if line.name != "l")]
    name = random.choice(names)
    axes = graph.axes(name)
    pieces = graph.pieces(name, axes)
    if kind == "forgotten path":
        if len(pieces) < 2:
            return None
        pieces.pop(random.randrange(len(pieces)))
    if not pieces:
        return None
    share = random.choice((0.0, 0.0, 0.5, 1.0))
    tree = shuffled(graph.expanded(_sum_of(pieces), random, share), random)
    if kind and kind != "forgotten path":
        changed = mistaken(tree, axes, kind, random)
        if changed is None:
            return None
        tree = changed
    key, text = _written(random, name, axes, tree)
    return IndexClaim(graph, key, text, name, axes, tree, kind)


def _written(random: Random, name: str, axes: Letters, tree: Tree) -> tuple[str, str]:
    plain = bare(tree) if random.random() < 0.5 else None
    if plain is not None and (plain[1] == axes or (len(axes) == 2 and plain[1] == axes[::-1])):
        return f"dl/d{name}", plain[0] if plain[1] == axes else f"transpose({plain[0]})"
    letters = dict(zip(axes, random.sample(LETTERS, len(axes)), strict=True))
    key = f"dl/d{name}[{','.join(letters.values())}]" if axes else f"dl/d{name}"
    return key, indexed(tree, letters, random)


def shuffled(tree: Tree, random: Random) -> Tree:
    """The summands and factors in another order, a sum over each summand or over all, a mean as a sum or not."""
    tree = rebuilt(tree, [shuffled(part, random) for part in children(tree)])
    match tree:
        case Op(op="add" | "mul" as name, args=(left, right)) if random.random() < 0.5:
            return Op(name, (right, left))
        case Over(op="sum", letters=letters, body=Op(op="add" | "sub" as name, args=(left, right))):
            if random.random() < 0.5 and all(set(letters) <= free(part) for part in (left, right)):
                return op(name, Over("sum", letters, left), renamed(Over("sum", letters, right), {}))
        case Over(op="sum", letters=letters, body=Op(op="mul") as body) if random.random() < 0.5:
            outside = [factor for factor in factors(body) if not free(factor) & set(letters)]
            inside = [factor for factor in factors(body) if free(factor) & set(letters)]
            if outside and inside:
                return op("mul", product_of(outside), Over("sum", letters, product_of(inside)))
        case Over(op="sum", letters=letters, body=Op(op="div", args=(above, Leaf() as below))) if random.random() < 0.5:
            if not below.letters:
                return op("div", Over("sum", letters, above), below)
    return tree


def mistaken(tree: Tree, axes: Letters, kind: str, random: Random) -> Tree | None:
    """The tree with one change; None where there is nothing to change."""
    ways: list[tuple[tuple[int, ...], Tree]] = []
    for path, part, along in _places(tree, (), frozenset(axes)):
        ways += [(path, other) for other in _changes(part, kind, along)]
    if not ways:
        return None
    path, other = random.choice(ways)
    changed = _replaced(tree, path, other)
    over = (part for part in walk(changed) if isinstance(part, Over))
    is_written = free(changed) <= set(axes) and all(set(part.letters) <= free(part.body) for part in over)
    return changed if is_written else None


def _places(
    tree: Tree, path: tuple[int, ...], along: frozenset[Letter]
) -> Iterator[tuple[tuple[int, ...], Tree, frozenset[Letter]]]:
    """Every part with the way to it and the letters that it may run along."""
    yield path, tree, along
    inner = along | set(tree.letters) if isinstance(tree, Over) else along
    for k, part in enumerate(children(tree)):
        yield from _places(part, (*path, k), inner)


def _replaced(tree: Tree, path: tuple[int, ...], other: Tree) -> Tree:
    if not path:
        return other
    parts = list(children(tree))
    parts[path[0]] = _replaced(parts[path[0]], path[1:], other)
    return rebuilt(tree, parts)


def _changes(part: Tree, kind: str, along: frozenset[Letter]) -> list[Tree]:
    """What a mistake of a kind makes of one part."""
    if isinstance(part, Leaf):
        return _of_leaf(part, kind, along)
    return _of_op(part, kind) if isinstance(part, Op) else _of_sum(part, kind, along) if isinstance(part, Over) else []


def _of_leaf(part: Leaf, kind: str, along: frozenset[Letter]) -> list[Tree]:
    letters = part.letters
    if kind == "sign" and letters:
        return [op("neg", part)]
    if kind == "transposed" and len(letters) == 2 and letters[0].size == letters[1].size:
        return [replace(part, letters=letters[::-1])]
    pairs = [(one, other) for one in letters for other in along - set(letters) if other.size == one.size]
    if kind == "wrong letter":
        return [replace(part, letters=tuple(new if own is old else own for own in letters)) for old, new in pairs]
    return []


def _of_op(part: Op, kind: str) -> list[Tree]:
    share = op("div", ONE, Leaf(SAMPLES))
    match kind, part.op:
        case "sign", "add" | "sub":
            return [Op("sub" if part.op == "add" else "add", part.args)]
        case "factor 2", "mul" if TWO in part.args:
            return [part.args[1] if part.args[0] == TWO else part.args[0]]
        case "dropped summand", "add" | "sub":
            return [one for one in part.args if free(one) == free(part)]
        case "forgotten 1/n", "div" if part.args[1] == Leaf(SAMPLES):
            return [part.args[0]]
        case "forgotten 1/n", "mul" if share in part.args:
            return [part.args[1] if part.args[0] == share else part.args[0]]
    return []


def _of_sum(part: Over, kind: str, along: frozenset[Letter]) -> list[Tree]:
    one, is_share = part.letters[0], part.op == "softmax"
    others = [other for other in (along | free(part.body)) - {one} if other.size == one.size]
    match kind:
        case "sign" if part.op == "sum":
            return [op("neg", part)]
        case "factor 2" if part.op == "sum":
            return [op("mul", TWO, part)]
        case "forgotten 1/n" if part.op == "mean" and one.size == SAMPLES:
            return [replace(part, op="sum")]
        case "wrong axis" if is_share:
            return [replace(part, letters=(other,)) for other in others if other in free(part.body)]
        case "wrong axis" if len(part.letters) == 1:
            return [replace(part, body=_swapped(part.body, one, other)) for other in others]
    return []


def _swapped(tree: Tree, one: Letter, other: Letter) -> Tree:
    """The tree with two letters in each other's place."""
    pairs = {one: other, other: one}
    if isinstance(tree, Leaf):
        return replace(tree, letters=tuple(pairs.get(own, own) for own in tree.letters))
    if isinstance(tree, Over):
        own = tuple(pairs.get(c, c) for c in tree.letters) if tree.op == "softmax" else tree.letters
        return replace(tree, letters=own, body=_swapped(tree.body, one, other))
    return rebuilt(tree, [_swapped(part, one, other) for part in children(tree)])
