"""Names in braces replaced."""


def expand(text, values):
    """The text with each {name} replaced by its value; unknown names stay; {{ is a brace."""
    found = ""
    while "{" in text:
        before, _, text = text.partition("{")
        found += before
        if text.startswith("{"):
            found += "{"
            text = text[1:]
            continue
        name, brace, rest = text.partition("}")
        if not brace:
            found += "{"
        else:
            found += str(values.get(name, "{" + name + "}"))
            text = rest
    return found + text


# --- defects
FUNCTION = "expand"
INPUTS = [
    ["", {}],
    ["plain", {}],
    ["{a}", {"a": "x"}],
    ["<{a}-{b}>", {"a": "1", "b": "2"}],
    ["{n} apples", {"n": 3}],
    ["{who}?", {}],
    ["{{a}", {"a": "x"}],
    ["open { end", {"a": "x"}],
]
HELD = [
    ["{a}{a}{b}", {"a": 1}],
    ["{{{a}", {"a": "z"}],
    ["a{", {}],
    ["}{x}", {"x": ""}],
    ["{{ {k} {{", {"k": 5}],
]
DEFECTS = [
    ("a missing wrap", 'str(values.get(name, "{" + name + "}"))', 'values.get(name, "{" + name + "}")'),
    ("a wrong default", 'values.get(name, "{" + name + "}")', "values.get(name, name)"),
    ("a missing update", "            text = rest\n", ""),
    ("a wrong slice", "text[1:]", "text[2:]"),
    ("a missing update", "    return found + text", "    return found"),
    ("a wrong variable", "found += before", "found += text"),
    (
        "a missing guard",
        '        if not brace:\n            found += "{"\n        else:\n            found += str(values.get(name, "{" + name + "}"))\n            text = rest\n',
        '        found += str(values.get(name, "{" + name + "}"))\n        text = rest\n',
    ),
]
