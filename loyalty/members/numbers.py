"""Membership numbers that the service makes up: a prefix, random digits, and a check digit (Luhn, ISO/IEC 7812-1)."""


def check_digit(digits: str) -> str:
    """Return the Luhn digit that catches one wrong digit and most swaps.

    >>> check_digit("7992739871")
    '3'
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        tens, ones = divmod(int(digit) * (2 - place % 2), 10)
        total += tens + ones
    return str(-total % 10)


def make_number(prefix: str, random_digits: int) -> str:
    """Return a number of ten digits behind the prefix.

    >>> make_number("HX", 1)
    'HX0000000018'
    """
    digits = f"{random_digits % 10**9:09}"
    return f"{prefix}{digits}{check_digit(digits)}"
