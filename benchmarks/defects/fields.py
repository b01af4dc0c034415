"""One line of a table with separators and quotes."""


def fields(line):
    """The fields between commas; in double quotes a comma is text and a doubled quote is a quote."""
    found, field, quoted, place = [], "", False, 0
    while place < len(line):
        char = line[place]
        if quoted and char == '"':
            if line[place + 1 : place + 2] == '"':
                field += '"'
                place += 1
            else:
                quoted = False
        elif char == '"':
            quoted = True
        elif char == "," and not quoted:
            found.append(field)
            field = ""
        else:
            field += char
        place += 1
    found.append(field)
    return found


# --- defects
FUNCTION = "fields"
INPUTS = [
    [""],
    ["a"],
    ["a,b,c"],
    ["a,,c"],
    ['"a,b",c'],
    ['"say ""hi""",x'],
    ['"",1'],
    ['"a"",b"'],
    ["one two, three"],
]
HELD = [[","], ['x,"y,z"'], ['"a""b,c"",""d"'], ["a,b,"], ['"1","2","3"'], ['""""']]
DEFECTS = [
    ("a missing update", '            field = ""\n', ""),
    ("a missing update", "    found.append(field)\n    return found", "    return found"),
    ("a lost condition", " and not quoted:", ":"),
    ("a missing update", "                place += 1\n            else:", "            else:"),
    ("a wrong constant", "quoted = False\n        elif", "quoted = True\n        elif"),
    ("a wrong slice", "line[place + 1 : place + 2]", "line[place : place + 1]"),
    (
        "a wrong call",
        'char == "," and not quoted:\n            found.append(field)',
        'char == "," and not quoted:\n            found.extend(field)',
    ),
]
