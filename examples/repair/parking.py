"""The price list of a car park."""

FREE = 30
FIRST_HOURS = 3
FIRST, LATER, DAY = 200, 150, 1500


def fee(minutes):
    """What it costs, in cents, to park for so many minutes.

    The first 30 minutes are free. Every started hour costs 200, from the fourth on 150.
    A day never costs more than 1500; then the next day begins, with its own free minutes.
    """
    days, rest = divmod(minutes, 24 * 60)
    return days * DAY + fee_of_a_day(rest)


def fee_of_a_day(minutes):
    if minutes <= FREE:  # parked only for a moment
        return 0
    hours = (minutes + 60) // 60
    fee = 0
    for hour in range(hours):
        fee += FIRST if hour < FIRST_HOURS else LATER
    return max(fee, DAY)
