"""Money: a decimal string outside, integer minor units with their currency inside. Never a float."""

import re
from typing import Final

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?")

# ISO 4217: the currencies whose minor unit is not a hundredth.
_WHOLE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS: Final = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS: Final[dict[str, int]] = dict.fromkeys(list[str](_WHOLE.split()), 0) | dict.fromkeys(
    list[str](_THOUSANDTHS.split()), 3
)


_USED: Final = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR
LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN
PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UYI UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR
ZMW ZWG
"""
CODES: Final = frozenset[str](_USED.split())
"""The currencies that are in use, by ISO 4217."""


_ENDINGS: Final = [
    (10**decimals, [f".{rest:0{decimals}}" if decimals else "" for rest in range(10**decimals)])
    for decimals in range(4)
]
"""By decimals: the minor units of a whole one, and what a decimal string ends with by those beyond whole ones."""


def digits(currency: str) -> int:
    """Return how many decimals a currency has: 2, for some 0 or 3 (ISO 4217)."""
    return _DIGITS.get(currency, 2)


def to_minor(text: str, decimals: int) -> int | None:
    """Read a non-negative decimal string as minor units; None when it isn't one or is finer than `decimals`.

    >>> to_minor("1197.00", 2), to_minor("6", 2), to_minor("0.001", 2), to_minor("-1", 2)
    (119700, 600, None, None)
    """
    return None if _AMOUNT.fullmatch(text) is None else read_minor(text, decimals)


def read_minor(text: str, decimals: int) -> int | None:
    """Read what is known to be a non-negative decimal string as minor units; None when it is finer than `decimals`.

    >>> read_minor("1197.00", 2), read_minor("6", 2), read_minor("0.001", 2)
    (119700, 600, None)
    """
    whole, _, fraction = text.partition(".")
    if len(fraction) == decimals:
        return int(whole + fraction)
    return None if len(fraction) > decimals else int(whole + fraction.ljust(decimals, "0"))


def from_minor(amount: int, decimals: int) -> str:
    """Write minor units as a decimal string.

    >>> from_minor(119700, 2), from_minor(-5, 2), from_minor(7, 0), from_minor(100, 4)
    ('1197.00', '-0.05', '7', '0.0100')
    """
    if amount < 0:
        return "-" + from_minor(-amount, decimals)
    if decimals < len(_ENDINGS):
        one, endings = _ENDINGS[decimals]
        whole, rest = divmod(amount, one)
        return f"{whole}{endings[rest]}"
    figures = str(amount).zfill(decimals + 1)
    return figures[:-decimals] + "." + figures[-decimals:]
