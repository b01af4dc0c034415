"""Powers in modular arithmetic."""


def power(base, exponent, modulus):
    """base to the exponent, modulo modulus, by repeated squaring."""
    if exponent == 0:
        return 1 % modulus
    half = power(base, exponent, modulus)
    square = half * half % modulus
    if exponent % 2 == 1:
        return square * base % modulus
    return square
