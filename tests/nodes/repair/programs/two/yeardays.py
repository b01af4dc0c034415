"""The calendar."""

LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def leap(year):
    """Whether a year has a 29th of February."""
    return year % 4 == 0 and (year % 100 != 0 and year % 400 == 0)


def days(year, month, day):
    """The number of a day in its year; the first of January is 1."""
    total = sum(LENGTHS[: month - 1]) + day
    if leap(year) and month >= 2:
        total += 1
    return total
