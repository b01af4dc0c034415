"""What models write, and the program that is made of it."""

import pytest

from backedge.nodes.repair.answers import UnusableAnswerError, program_from

PROGRAM = '''"""Prices."""

import math

RATE = 3  # cents


class Shop:
    """A shop."""

    def total(self, prices):
        # all of them
        return sum(prices) - RATE

    def name(self):
        return "shop"


def double(x):
    """Twice."""
    y = x * RATE
    return y


def half(x):
    return x / 2
'''

FIXED = PROGRAM.replace("x * RATE", "x * 2")
FUNCTION = '''def double(x):
    """Twice."""
    y = x * 2
    return y
'''
NUMBERED = "".join(f"{number:>2} | {line}\n" for number, line in enumerate(FUNCTION.splitlines(), 19))
DIFF = """--- a/prices.py
+++ b/prices.py
@@ -1,3 +1,3 @@
     \"\"\"Twice.\"\"\"
-    y = x * RATE
+    y = x * 2
     return y
"""
SEARCH = """<<<<<<< SEARCH
y = x * RATE
=======
y = x * 2
>>>>>>> REPLACE
"""


@pytest.mark.parametrize(
    "answer",
    [
        f"It was the factor.\n\n```python\n{FUNCTION}```\nThat is all.",
        f"```\n{FUNCTION}```",
        f"~~~py\n{FUNCTION}~~~",
        f"```python\n{FUNCTION}",
        FUNCTION,
        NUMBERED,
        f"```python\n{NUMBERED}```",
        f"```python\n{FIXED}```",
        FIXED,
        "```python\n" + "".join(f"    {line}\n" for line in FUNCTION.splitlines()) + "```",
        f"```python\n{FUNCTION}```".replace("\n", "\r\n"),
        f"```diff\n{DIFF}```",
        DIFF,
        f"```diff\n{DIFF.replace('@@ -1,3 +1,3 @@', '@@ -900,3 +7,9 @@ def double(x)')}```",
        SEARCH,
        f"```python\n{SEARCH}```",
        f"First look:\n```python\nprint(double(2))\n```\nSo:\n```python\n{FUNCTION}```",
    ],
)
def test_one_change_is_understood_in_whatever_form_it_comes(answer):
    assert program_from(answer, PROGRAM) == FIXED


def made(code):
    return program_from(f"```python\n{code}```", PROGRAM)


def test_a_method_goes_where_it_was_and_is_indented_as_there():
    code = "def total(self, prices):\n    return sum(prices)\n"
    before = "        # all of them\n        return sum(prices) - RATE\n"
    assert made(code) == PROGRAM.replace(before, "        return sum(prices)\n")


def test_several_functions_in_several_blocks_are_all_taken():
    answer = f"```python\n{FUNCTION}```\nand\n```python\ndef half(x):\n    return x // 2\n```"
    assert program_from(answer, PROGRAM) == FIXED.replace("x / 2", "x // 2")


def test_a_constant_alone_can_be_changed():
    assert made("RATE = 2\n") == PROGRAM.replace("RATE = 3  # cents", "RATE = 2")


def test_new_helpers_and_imports_stand_before_what_uses_them():
    code = "import math\nimport cmath\n\ndef twice(x):\n    return 2 * x\n\ndef double(x):\n    return twice(x)\n"
    text = made(code)
    names = {}
    exec(text, names)
    assert names["double"](4) == 8
    assert text.count("import math\n") == 1
    assert "import cmath\n" in text
    assert text.index("def twice") < text.index("class Shop")


def test_what_else_is_in_the_program_keeps_its_text():
    whole = (
        FIXED.replace("  # cents", "").replace("# all of them\n        ", "").replace('"""Prices."""\n\n', "")
    )
    assert made(whole) == FIXED


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I am sorry.", "there is no code in it"),
        ("", "there is no code in it"),
        (f"```python\n{PROGRAM}```", "it leaves the program as it is"),
        (
            "```python\ndef double(x:\n```",
            r"it is not Python: '\(' was never closed \(line 1: 'def double\(x:'\)",
        ),
        ("```python\nprint(double(3))\n```", "it defines no function or class that the program has"),
        (SEARCH.replace("RATE", "FACTOR"), "these lines are not in the program: 'y = x \\* FACTOR'"),
        (SEARCH.replace("y = x * RATE", "return"), "these lines are not in the program"),
        (SEARCH.replace("y = x * RATE", ""), "a block does not say which lines to replace"),
        ("<<<<<<< SEARCH\n\n=======\nx\n>>>>>>> REPLACE", "a block does not say which lines to replace"),
        ("```json\n{}\n```", "there is no code in it"),
    ],
)
def test_an_answer_of_no_use_says_why(answer, why):
    with pytest.raises(UnusableAnswerError, match=why):
        program_from(answer, PROGRAM)


def test_lines_that_are_there_twice_are_not_guessed_at():
    answer = "<<<<<<< SEARCH\n    pass\n=======\n    return 1\n>>>>>>> REPLACE"
    with pytest.raises(UnusableAnswerError, match="in the program 2 times"):
        program_from(answer, "def f():\n    pass\n\n\ndef g():\n    pass\n")


def test_a_block_that_breaks_the_program_is_refused():
    with pytest.raises(UnusableAnswerError, match="it is not Python"):
        program_from(SEARCH.replace("y = x * 2", "y = (x"), PROGRAM)


def test_a_block_is_put_in_at_the_depth_of_what_it_replaces():
    answer = "<<<<<<< SEARCH\nreturn sum(prices) - RATE\n=======\nif prices:\n    return sum(prices)\nreturn 0\n>>>>>>> REPLACE"
    expected = "        if prices:\n            return sum(prices)\n        return 0\n"
    assert program_from(answer, PROGRAM) == PROGRAM.replace("        return sum(prices) - RATE\n", expected)


def test_a_method_of_several_classes_is_not_guessed_at():
    program = (
        "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n"
    )
    with pytest.raises(UnusableAnswerError, match="defines no function or class"):
        program_from("```python\ndef f(self):\n    return 3\n```", program)


def test_decorators_are_part_of_a_function():
    program = "import functools\n\n\n@functools.cache\ndef f(x):\n    return x\n"
    code = "@functools.cache\ndef f(x):\n    return x + 1\n"
    assert program_from(f"```python\n{code}```", program) == program.replace("return x", "return x + 1")
