"""Lines of comma-separated fields."""


def split_fields(line):
    """The fields of a line; commas inside double quotes belong to the field, "" is a quote there."""
    fields = []
    field = ""
    quoted = False
    position = 0
    while position < len(line):
        char = line[position]
        if quoted and line[position : position + 2] == '""':
            field += '"'
            position -= 1
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += char
        position += 1
    fields.append(field)
    return fields
