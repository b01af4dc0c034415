"""Settings laid over settings."""


def overlay(below, above):
    """A new dict with what is above laid over what is below; dicts in both are laid over each other; None deletes."""
    found = dict(below)
    for key, value in above.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = overlay(found[key], value)
        else:
            found[key] = value
    return found


# --- defects
FUNCTION = "overlay"
INPUTS = [
    [{}, {}],
    [{"a": 1}, {}],
    [{"a": 1}, {"a": 2, "b": 3}],
    [{"a": {"x": 1, "y": 2}}, {"a": {"y": 5}}],
    [{"a": 1}, {"a": {"x": 1}}],
    [{"a": {"x": 1}}, {"a": 4}],
    [{"a": 1, "b": 2}, {"a": None}],
    [{}, {"z": None}],
    [{"a": {"x": {"p": 1}, "y": 2}}, {"a": {"x": {"q": 2}, "y": None}}],
]
HELD = [
    [{"a": {"b": {"c": 1}}}, {"a": {"b": None}}],
    [{"a": {}}, {"a": {"k": [1]}}],
    [{"k": [1]}, {"k": [2, 3]}],
    [{"u": 0}, {"v": {"w": {"x": 1}}, "u": None}],
]
DEFECTS = [
    ("swapped arguments", "overlay(found[key], value)", "overlay(value, found[key])"),
    ("a lost condition", " and isinstance(found.get(key), dict)", ""),
    (
        "a missing update",
        "            found[key] = overlay(found[key], value)",
        "            overlay(found[key], value)",
    ),
    ("a wrong default", "found.pop(key, None)", "found.pop(key)"),
    ("a lost recursive argument", "overlay(found[key], value)", "overlay(found, value)"),
    (
        "a lost branch",
        "        if value is None:\n            found.pop(key, None)\n        elif",
        "        if",
    ),
    ("a wrong literal", "found = dict(below)", "found = {}"),
]
