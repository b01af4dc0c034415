"""A calculator for sums, products and brackets."""


def value(text):
    """The value of an expression of whole numbers, + - * and brackets."""
    tokens = list(text.replace(" ", ""))

    def number():
        if tokens[0] == "(":
            tokens.pop(0)
            inner = total()
            tokens.pop(0)
            return inner
        digits = ""
        while tokens and tokens[0].isdigit():
            digits += tokens.pop(0)
        return int(digits)

    def product():
        result = number()
        while tokens and tokens[0] == "*":
            tokens.pop(0)
            result *= number()
        return result

    def total():
        result = product()
        while tokens and tokens[0] in "+-":
            if tokens.pop(0) == "+":
                result += product()
            else:
                result -= product()
        return result

    return total()


# --- defects
FUNCTION = "value"
INPUTS = [
    ["7"],
    ["1 + 2"],
    ["2*3+4"],
    ["2+3*4"],
    ["(2+3)*4"],
    ["10-2-3"],
    ["12*(3-(1+1))"],
    ["2*2*2*2"],
]
HELD = [["1-(2-3)"], ["((5))"], ["100-10*5+1"], ["(1+2)*(3+4)"], ["3*(2+(4-1)*2)"], ["9-8-7-6"]]
DEFECTS = [
    ("a missing wrap", "return int(digits)", "return digits"),
    ("a wrong call", "digits += tokens.pop(0)", "digits += tokens.pop()"),
    ("a wrong call", "result *= number()", "result *= total()"),
    (
        "a missing update",
        "            inner = total()\n            tokens.pop(0)\n",
        "            inner = total()\n",
    ),
    ("a wrong operator", "result -= product()", "result += product()"),
    ("a wrong loop", 'while tokens and tokens[0] == "*"', 'if tokens and tokens[0] == "*"'),
    ("a missing guard", "while tokens and tokens[0].isdigit()", "while tokens[0].isdigit()"),
]
