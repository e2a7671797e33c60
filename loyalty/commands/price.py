"""What points cost: money by the point. Pure."""

from fractions import Fraction

from msgspec import Struct

from loyalty import money


class Payment(Struct, frozen=True, gc=False):
    """Money: a decimal amount in a currency."""

    amount: str
    currency: str


def price_of(points: int, price: str, currency: str) -> Payment:
    """Return what points cost, rounded up to the currency's smallest unit once: so no point is free.

    >>> price_of(1001, "0.075", "CNY")
    Payment(amount='75.08', currency='CNY')
    """
    decimals = money.digits(currency)
    exact = Fraction(price) * points * 10**decimals
    return Payment(money.from_minor(-(-exact.numerator // exact.denominator), decimals), currency)
