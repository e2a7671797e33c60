"""The made-up hotel group of the demo: a dozen properties as data."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

Setting = Literal["business", "city", "resort"]
"""What brings guests to a property: work on weekdays, a city trip, or holidays."""

Pms = Literal["opera", "mews"]
"""`opera` numbers the revisions of a stay; `mews` sends none and posts room nights one by one."""


class Property(Struct, frozen=True):
    """One hotel.

    `nightly` is the usual price of a night in whole units of its currency, `draw` how many of the guests that
    like its setting come here, in percent of a usual property.
    """

    code: str
    en: str
    zh: str
    city: str
    time_zone: str
    currency: str
    setting: Setting
    pms: Pms
    nightly: int
    draw: int = 100

    def weight(self, settings: Mapping[Setting, int]) -> int:
        """How likely a guest with these preferences comes here."""
        return settings[self.setting] * self.draw

    def registration(self) -> dict[str, object]:
        """The body of `PUT /v1/properties/{code}`."""
        return {
            "code": self.code,
            "name": {"en": self.en, "zh": self.zh},
            "time_zone": self.time_zone,
            "currency": self.currency,
        }


GROUP_EN: Final = "Cloud Crane Hotels"
GROUP_ZH: Final = "云鹤酒店集团"

CHINA: Final = "Asia/Shanghai"

PROPERTIES: Final[tuple[Property, ...]] = (
    Property(
        "SHA01",
        "Cloud Crane on the Bund",
        "云鹤外滩酒店",
        "Shanghai 上海",
        CHINA,
        "CNY",
        "city",
        "opera",
        1180,
    ),
    Property(
        "SHA02",
        "Cloud Crane Hongqiao",
        "云鹤虹桥酒店",
        "Shanghai 上海",
        CHINA,
        "CNY",
        "business",
        "opera",
        720,
    ),
    Property(
        "PEK01",
        "Cloud Crane Chang'an",
        "云鹤长安酒店",
        "Beijing 北京",
        CHINA,
        "CNY",
        "business",
        "opera",
        880,
    ),
    Property(
        "CAN01",
        "Cloud Crane Pearl River",
        "云鹤珠江酒店",
        "Guangzhou 广州",
        CHINA,
        "CNY",
        "business",
        "mews",
        690,
    ),
    Property(
        "SZX01", "Cloud Crane Futian", "云鹤福田酒店", "Shenzhen 深圳", CHINA, "CNY", "business", "opera", 740
    ),
    Property("CTU01", "Cloud Crane Jinli", "云鹤锦里酒店", "Chengdu 成都", CHINA, "CNY", "city", "mews", 560),
    Property(
        "HGH01", "West Lake House", "云鹤西湖别院", "Hangzhou 杭州", CHINA, "CNY", "resort", "opera", 1360
    ),
    Property(
        "SYX01", "Yalong Bay Resort", "云鹤亚龙湾度假村", "Sanya 三亚", CHINA, "CNY", "resort", "opera", 1580
    ),
    Property(
        "LJG01", "Snow Mountain Lodge", "云鹤雪山居", "Lijiang 丽江", CHINA, "CNY", "resort", "mews", 920
    ),
    Property(
        "HKG01",
        "Cloud Crane Harbour",
        "云鹤海港酒店",
        "Hong Kong 香港",
        "Asia/Hong_Kong",
        "HKD",
        "city",
        "opera",
        1450,
        60,
    ),
    Property(
        "TYO01",
        "Cloud Crane Ginza",
        "云鹤银座酒店",
        "Tokyo 东京",
        "Asia/Tokyo",
        "JPY",
        "city",
        "mews",
        32000,
        25,
    ),
    Property(
        "PAR01",
        "Maison de la Grue",
        "云鹤巴黎别邸",
        "Paris 巴黎",
        "Europe/Paris",
        "EUR",
        "city",
        "mews",
        240,
        15,
    ),
)

BY_CODE: Final = {hotel.code: hotel for hotel in PROPERTIES}
