"""The catalogue: all partners and offers in all their versions, ready to use. Pure: made anew when one is added."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from loyalty import money
from loyalty.partners.model import Offer, Partner
from loyalty.partners.offers import Listing

T = TypeVar("T", Partner, Offer)


class Filed(Struct, Generic[T], frozen=True, gc=False):
    """One version of a partner or an offer as it was put on file; `generation` is the catalogue's that it began."""

    one: T
    version: int
    generation: int
    changed_by: str
    changed_at: datetime

    @property
    def tag(self) -> str:
        """What `ETag` and `If-Match` say of this version."""
        return f'"{self.version}"'


class House(Struct, frozen=True, gc=False):
    """What holds for the hotel's own offers, and where a partner says nothing else: the program's currency and zone."""

    currency: str = "CNY"
    zone: ZoneInfo = ZoneInfo("UTC")


class Catalogue:
    """Partners and offers as of one generation; each list has the oldest version first. Never changed."""

    def __init__(
        self, house: House, generation: int = 0, partners: Mapping[str, Sequence[Filed[Partner]]] | None = None,
        offers: Mapping[str, Sequence[Filed[Offer]]] | None = None,
    ) -> None:  # fmt: skip
        """Make the newest version of every offer ready."""
        self.house = house
        self.generation = generation
        self.partners: Mapping[str, Sequence[Filed[Partner]]] = partners or {}
        self.offers: Mapping[str, Sequence[Filed[Offer]]] = offers or {}
        self._newest = {code: self._listing(filed[-1]) for code, filed in self.offers.items()}

    def with_these(
        self, generation: int, partners: Iterable[Filed[Partner]], offers: Iterable[Filed[Offer]]
    ) -> "Catalogue":
        """Return the catalogue with versions added, which come in the order of their generations."""
        return Catalogue(self.house, generation, _added(self.partners, partners), _added(self.offers, offers))

    def partner(self, code: str) -> Filed[Partner] | None:
        """Return the newest version of a partner; None when there is none."""
        filed = self.partners.get(code)
        return filed[-1] if filed else None

    def filed_offer(self, code: str) -> Filed[Offer] | None:
        """Return the newest version of an offer as it was put on file; None when there is none."""
        filed = self.offers.get(code)
        return filed[-1] if filed else None

    def listing(self, code: str, version: int | None = None) -> Listing | None:
        """Return an offer, in its newest version or in that of a redemption; None when there is none."""
        newest = self._newest.get(code)
        if version is None or newest is None or newest.version == version:
            return newest
        found = next((one for one in self.offers[code] if one.version == version), None)
        return None if found is None else self._listing(found)

    def listings(self, partner: str | None = None) -> list[Listing]:
        """Return all offers in their newest versions, or those of one partner, by code."""
        found = sorted(self._newest.values(), key=lambda one: one.offer.code)
        return [one for one in found if partner is None or one.partner_code == partner]

    def _listing(self, filed: Filed[Offer]) -> Listing:
        offer, house = filed.one, self.house
        if offer.partner is None:
            decimals = money.digits(house.currency)
            return Listing(offer, filed.version, None, house.zone, house.currency, decimals)
        partner = self.partners[offer.partner][-1].one
        contract = partner.contract
        return Listing(
            offer, filed.version, partner, ZoneInfo(partner.time_zone) if partner.time_zone else house.zone,
            contract.currency, money.digits(contract.currency), Fraction(contract.point_value),
        )  # fmt: skip


def _added(
    known: Mapping[str, Sequence[Filed[T]]], more: Iterable[Filed[T]]
) -> dict[str, Sequence[Filed[T]]]:
    added = dict(known)
    for filed in more:
        added[filed.one.code] = (*added.get(filed.one.code, ()), filed)
    return added


NOTHING: Final = Catalogue(House())
"""A catalogue that nobody has put anything into."""
