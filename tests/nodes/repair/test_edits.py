"""What the edits can do: for each sort a defect that one of them mends, and laws that hold for all of them."""

import ast
import functools
from itertools import product
from pathlib import Path

import pytest

from backedge.nodes.repair.edits import TIERS, pool
from backedge.nodes.repair.edits.code import ATOM, COMPARE, NOT, SIGNS, SUM, TERM, Code, joined, level
from backedge.nodes.repair.models import replaced

from .samples import compiles

FOLDER = Path(__file__).parent / "programs"
PROGRAMS, SMALL = sorted(FOLDER.glob("*[!s].py")), FOLDER / "outline.py"
LARGE = {"choose", "power", "roman"}
"""Programs with many edits."""


def everywhere(source):
    return dict.fromkeys(range(1, source.count("\n") + 2), 1.0)


def edits_of(source, types=None, tier=None):
    tiers = range(len(TIERS)) if tier is None else [tier]
    return [edit for number in tiers for edit in pool(source, types or {}, everywhere(source), number)]


def normal(source):
    return ast.dump(ast.parse(source))


ASIDE = str.maketrans("", "", " \n()[]'\",")


def letters(source):
    """What two texts of one syntax tree have in common, quick to find: most edits differ in it."""
    return source.translate(ASIDE)


@functools.cache
def edits_at(path):
    """All edits of a program, made once."""
    return edits_of(path.read_text())


def function(*lines, head="def f(xs, n, other):"):
    return "\n".join([head, *(f"    {line}" for line in lines)]) + "\n"


MENDED = {
    # operators, constants, one off
    "comparison": ("if n < 3:|    n = 0|return n", "if n <= 3:|    n = 0|return n"),
    "comparison turned": ("return n < other", "return n > other"),
    "membership": ("return n in xs", "return n not in xs"),
    "arithmetic": ("return n + other", "return n - other"),
    "arithmetic of another level": ("return n + other * 2", "return n * (other * 2)"),
    "operands": ("return n - other", "return other - n"),
    "update operator": ("n += 1|return n", "n -= 1|return n"),
    "update for assignment": ("n = other|return n", "n += other|return n"),
    "assignment for update": ("n += other|return n", "n = other|return n"),
    "constant one off": ("return n % 25", "return n % 26"),
    "boolean": ("found = True|return found", "found = False|return found"),
    "letter one off": ("return '0' + n", "return '1' + n"),
    "own constant": ("if n == 'left':|    n = 'right'|return n", "if n == 'right':|    n = 'right'|return n"),
    "index one off": ("return xs[n]", "return xs[n - 1]"),
    "bound one off": ("return range(n)", "return range(n + 1)"),
    "one too many": ("return xs[n + 1]", "return xs[n]"),
    "variable": ("return n", "return other"),
    "and for or": ("return n or other", "return n and other"),
    "negation": ("if n:|    return 1|return 0", "if not n:|    return 1|return 0"),
    "negation too many": ("return 1 if not n else 0", "return 1 if n else 0"),
    # what is missing around an item, a filter, a condition
    "guard of the same name": (
        "while xs[0].isdigit():|    n += 1|return n",
        "while xs and xs[0].isdigit():|    n += 1|return n",
    ),
    "condition lost": ("if xs:|    n = 0|return n", "if other > n:|    n = 0|return n"),
    "filter of groups": ("return [x for x in xs]", "return [x for x in xs if len(x) > 1]"),
    "item that may be None": (
        "xs[0] = None|if n:|    n = xs[n]|return n",
        "xs[0] = None|if n and xs[n] is not None:|    n = xs[n]|return n",
    ),
    "ending lost": ("if not xs:|    yield n|yield xs", "if not xs:|    yield n|    return|yield xs"),
    "letters sorted": ("n = 'abc'|return n", "n = 'abc'|return ''.join(sorted(n))"),
    "yield before the end": (
        "if not xs:|    return|yield n",
        "if not xs:|    yield []|    return|yield n",
    ),
    "inner argument": ("return sorted(list(xs)[:1])", "return sorted(xs)"),
    "the other where there is none": ("n = xs|return n", "n = xs or other|return n"),
    "plain value where there is none": ("return xs[0]", "return xs[0] if xs else None"),
    # parts of expressions
    "half an operation": ("return n + other", "return n"),
    "wrap too many": ("return list(sorted(xs))", "return sorted(xs)"),
    "condition too many": (
        "if n and other and xs:|    return 1|return 0",
        "if n and xs:|    return 1|return 0",
    ),
    "argument order": ("return divmod(n, other)", "return divmod(other, n)"),
    "argument too many": ("return xs.pop(0)", "return xs.pop()"),
    "argument too few": ("return xs.pop()", "return xs.pop(0)"),
    "start of a range": ("return range(n)", "return range(1, n)"),
    "step of a range": ("return range(n, other)", "return range(n, other, -1)"),
    "default of get": ("return xs.get(n)", "return xs.get(n, 0)"),
    "lost recursive argument": ("return f(xs, n)", "return f(xs, n, other)"),
    "recursive argument one off": ("return f(xs, n, other)", "return f(xs, n - 1, other)"),
    "method": ("xs.append(other)|return xs", "xs.extend(other)|return xs"),
    "queue for stack": ("xs.append(other)|return xs", "xs.insert(0, other)|return xs"),
    "function": ("return max(xs)", "return min(xs)"),
    "any for all": ("return any(x for x in xs)", "return all(x for x in xs)"),
    # containers
    "collection with something in it": ("seen = set()|return seen", "seen = {n}|return seen"),
    "list in a list": ("return []", "return [[]]"),
    "another empty value": ("return []", "return {}"),
    "element too many": ("return [n, other, n]", "return [n, other]"),
    "elements turned round": ("return (n, other)", "return (other, n)"),
    "slice": ("return xs[n:]", "return xs[:n]"),
    "slice bound": ("return xs[:]", "return xs[1:]"),
    "index for slice": ("return xs[n:]", "return xs[n]"),
    # statements
    "statement too many": ("n = 0|return n", "return n"),
    "statement out of a block": ("for x in xs:|    n = x|    return n", "for x in xs:|    n = x|return n"),
    "statement into a block": ("for x in xs:|    n = x|xs = n", "for x in xs:|    n = x|    xs = n"),
    "statements in order": ("n = other|other = n|return n", "other = n|n = other|return n"),
    "block too many": ("if n:|    other = 1|return other", "other = 1|return other"),
    "branches": (
        "if n:|    xs = 1|else:|    xs = 2|return xs",
        "if n:|    xs = 2|else:|    xs = 1|return xs",
    ),
    "while for if": ("if n:|    n = other|return n", "while n:|    n = other|return n"),
    "if for elif": (
        "if n:|    n = 1|elif other:|    n = 2|return n",
        "if n:|    n = 1|if other:|    n = 2|return n",
    ),
    "continue for break": ("for x in xs:|    break|return n", "for x in xs:|    continue|return n"),
    "statement missing": (
        "while n:|    xs = n|    n = n - 1|return xs",
        "while n:|    xs = n|    n = n - 1|    n = n - 1|return xs",
    ),
    "another statement": ("n = 1|other = 2|return n", "n = 1|n = 1|return n"),
    "yield from": ("yield f(xs, n, other)", "yield from f(xs, n, other)"),
    "yield": ("yield from xs", "yield xs"),
    "yield lost": ("f(xs, n, other)|yield n", "yield from f(xs, n, other)|yield n"),
    "return lost": ("f(xs, n, other)", "return f(xs, n, other)"),
    # targets
    "target": ("n = xs[0]|return n", "other = xs[0]|return n"),
    "item for name": ("xs[n] = 1|xs = 2|return xs", "xs[n] = 1|xs[n] = 2|return xs"),
    "targets turned round": ("n, other = xs|return n", "other, n = xs|return n"),
    "nested targets turned round": (
        "for n, (xs, other) in xs:|    f(n)",
        "for (xs, other), n in xs:|    f(n)",
    ),
    "targets in parentheses": ("for n, (xs, other) in xs:|    f(n)", "for n, (other, xs) in xs:|    f(n)"),
    "values turned round": ("n, other = xs, n|return n", "n, other = n, xs|return n"),
    # wraps and compositions
    "list": ("return map(str, xs)", "return list(map(str, xs))"),
    "sorted": ("return xs", "return sorted(xs)"),
    "reversed": ("return xs", "return xs[::-1]"),
    "rest": ("return f(xs, n, other)", "return f(xs[1:], n, other)"),
    "columns": ("return [x for x in xs]", "return [x for x in zip(*xs)]"),
    "only one": ("return n", "return [n]"),
    "sum": ("return f(xs, n, other)", "return f(xs, n, other) + n"),
    "distance": ("return n", "return n - other"),
    "expression of the program": ("xs = n // 2|return f(n, xs, n)", "xs = n // 2|return f(n // 2, xs, n)"),
    "largest so far": ("n = other|return n", "n = max(other, n)|return n"),
    # conditions and guards
    "condition too weak": ("if xs:|    n = 1|return n", "if xs and n > 0:|    n = 1|return n"),
    "condition too strong": ("if xs:|    n = 1|return n", "if xs or not n:|    n = 1|return n"),
    "filter": ("return [x for x in xs]", "return [x for x in xs if x > 0]"),
    "filter too many": ("return [x for x in xs if x]", "return [x for x in xs]"),
    "base case": ("return f(xs, n, other)", "if n == 0:|    return []|return f(xs, n, other)"),
    "guard": ("return xs[0]", "if not xs:|    return None|return xs[0]"),
    "guard that gives an attribute": (
        "xs = n.next|return xs",
        "if xs is None:|    return n.next|xs = n.next|return xs",
    ),
    "item that is only written": ("xs[n] = 1|return f(other)", "xs[n] = 1|return f(xs[n])"),
    "skipped": (
        "for x in xs:|    n = x|return n",
        "for x in xs:|    if x == n:|        continue|    n = x|return n",
    ),
    "conditional": ("for x in xs:|    n = x|return n", "for x in xs:|    if n < x:|        n = x|return n"),
}


@pytest.mark.parametrize(("wrong", "right"), MENDED.values(), ids=MENDED.keys())
def test_one_edit_mends(wrong, right):
    source, mended = function(*wrong.split("|")), function(*right.split("|"))
    wanted, common = normal(mended), letters(mended)
    types = {"f:n": ("int",), "f:other": ("int",), "f:x": ("int",)}
    assert any(
        letters(text) == common and compiles(text) and normal(text) == wanted
        for known in (types, {})
        for tier in range(len(TIERS))  # one by one: most are found in the first
        for text in (replaced(source, edit.replacements) for edit in edits_of(source, known, tier))
    )


def test_an_update_of_a_set_that_was_seen_is_offered():
    source = function("for x in xs:", "    n = x", "return n")
    types = {"f:other": ("set[int]",), "f:x": ("int",)}
    texts = [replaced(source, edit.replacements) for edit in edits_of(source, types)]
    assert function("for x in xs:", "    n = x", "    other.add(x)", "return n") in texts


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("n = 1|return d", "del d[n]|n = 1|return d"),
        ("return min(d)", "return min(d, key=d.get)"),
        ("if d:|    n = 0|return n", "if n >= len(d):|    n = 0|return n"),
    ],
)
def test_what_was_seen_in_a_dict_is_offered(wrong, right):
    head = "def f(d, n):"
    texts = {
        replaced(function(*wrong.split("|"), head=head), edit.replacements)
        for edit in edits_of(function(*wrong.split("|"), head=head), {"f:d": ("dict[str]",), "f:n": ("int",)})
    }
    assert normal(function(*right.split("|"), head=head)) in {
        normal(text) for text in texts if compiles(text)
    }


def test_an_operation_that_does_nothing_is_not_offered():
    texts = [
        replaced(function("return n - 1"), edit.replacements) for edit in edits_of(function("return n - 1"))
    ]
    assert function("return n") in texts
    assert function("return n - 0") not in texts


def test_a_variable_that_was_only_ever_none_may_get_any_other():
    source = function("other = None", "for x in xs:", "    n += x", "return other")
    types = {"f:other": ("NoneType",), "f:x": ("int",), "f:n": ("int",)}
    texts = [replaced(source, edit.replacements) for edit in edits_of(source, types)]
    assert function("other = None", "for x in xs:", "    n += x", "    other = x", "return other") in texts


def test_attributes_take_each_others_place():
    source = "def f(a):\n    a.left = a.right\n    return a.left\n"
    texts = {replaced(source, edit.replacements) for edit in edits_of(source)}
    assert "def f(a):\n    a.right = a.right\n    return a.left\n" in texts
    assert "def f(a):\n    a.left = a.right\n    return a.right\n" in texts


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.soak if path.stem in LARGE else (), id=path.stem)
        for path in PROGRAMS
    ],
)
def test_every_edit_of_a_program_gives_another_program(path):
    source = path.read_text()
    edits = edits_at(path)
    texts = [replaced(source, edit.replacements) for edit in edits]
    assert source not in texts
    assert [text for text in texts[:: max(1, len(texts) // 100)] if not compiles(text)] == []


def test_edits_come_in_the_same_order_every_time():
    assert edits_of(SMALL.read_text()) == edits_at(SMALL)


def test_only_lines_under_suspicion_are_edited():
    source = function("n = 1", "other = 2", "return n")
    edits = [edit for tier in range(len(TIERS)) for edit in pool(source, {}, {3: 1.0}, tier)]
    assert edits
    assert {edit.line for edit in edits} == {3}


def test_unfitting_types_count_for_less():
    source = function("return n")
    types = {"f:n": ("int",), "f:xs": ("list[int]",), "f:other": ("int",)}
    priors = {
        edit.replacements[0].text: edit.prior
        for edit in edits_of(source, types, 0)
        if edit.kind == "variable"
    }
    assert priors["other"] > 5 * priors["xs"]


def test_comments_and_formatting_around_an_edit_stay():
    source = 'def f( n ):  # keep   me\n    x = { "a":n }   # and me\n    return x["a"]+1\n'
    texts = [replaced(source, edit.replacements) for edit in edits_of(source, tier=0)]
    assert source.replace("+1", "-1").replace('x["a"]-1', "x['a'] - 1") in texts
    assert all("# keep   me" in text for text in texts)


def test_texts_of_many_letters_do_not_shift_positions():
    source = 'def f(n):\n    x = "äöü€😀"; return n + 1\n'
    assert source.replace("n + 1", "n - 1") in [
        replaced(source, edit.replacements) for edit in edits_of(source, tier=0)
    ]


def test_docstrings_imports_and_fstring_insides_are_left_alone():
    source = 'import os\n\ndef f(n):\n    """Give 1."""\n    return f"{n + 1} of 2"\n'
    for edit in edits_of(source):
        text = replaced(source, edit.replacements)
        assert text.startswith('import os\n\ndef f(n):\n    """Give 1."""\n')
        assert "{n + 1} of 2" in text or "of 2" not in text


@pytest.mark.parametrize(
    ("source", "place", "new", "expected"),
    [
        ("x = a * b", "b", "c + d", "x = a * (c + d)"),
        ("x = a + b", "b", "c + d", "x = a + (c + d)"),
        ("x = a + b", "a", "c + d", "x = c + d + b"),
        ("x = (a) * b", "a", "c + d", "x = (c + d) * b"),
        ("x = f(a)", "a", "c if d else e", "x = f(c if d else e)"),
        ("x = a.b", "a", "c + d", "x = (c + d).b"),
        ("x = not a", "a", "b == c", "x = not b == c"),
        ("x = a < b", "a", "c < d", "x = (c < d) < b"),
        ("x = a ** b", "a", "-c", "x = (-c) ** b"),
        ("x = a and b", "b", "c or d", "x = a and (c or d)"),
        ("x = [a for a in b]", "b", "c if d else e", "x = [a for a in (c if d else e)]"),
    ],
)
def test_parentheses_are_put_where_they_are_needed(source, place, new, expected):
    from backedge.nodes.repair.edits.code import fitted

    code = Code(source)
    loads = (
        one for one in ast.walk(code.tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    )
    node = next(one for one in loads if one.id == place)
    start, end = code.span(node)
    text = fitted(code, node, ast.parse(new, mode="eval").body)
    assert source[:start] + text + source[end:] == expected


OPERANDS = (
    "a",
    "not a",
    "a < b",
    "a or b",
    "a and b",
    "a + b",
    "a * b",
    "-a",
    "a if b else c",
    "lambda: a",
    "a | b",
    "a**b",
)


@pytest.mark.parametrize("operator", SIGNS)
def test_operations_that_are_joined_mean_what_their_tree_means(operator):
    for left, right in product(OPERANDS, repeat=2):
        one, two = (ast.parse(text, mode="eval").body for text in (left, right))
        text = joined(operator, (left, level(one)), (right, level(two)))
        chained = issubclass(operator, ast.boolop)
        meant = ast.BoolOp(operator(), [one, two]) if chained else ast.BinOp(one, operator(), two)
        assert ast.dump(ast.parse(text, mode="eval").body) == ast.dump(meant)


def test_parentheses_stand_only_where_they_are_needed():
    assert joined(ast.And, ("a < b", COMPARE), ("not c", NOT), ("d", ATOM)) == "a < b and not c and d"
    assert joined(ast.Sub, ("a - b", SUM), ("c * d", TERM)) == "a - b - c * d"
