"""Made-up names of the guests: any likeness to a living person is chance."""

from random import Random
from typing import Final

from msgspec import Struct


class Name(Struct, frozen=True):
    """A name as written, its Latin form for an e-mail address, and the language of the guest."""

    written: str
    latin: tuple[str, str]
    language: str


SURNAMES: Final = (
    "王 wang", "李 li", "张 zhang", "刘 liu", "陈 chen", "杨 yang", "黄 huang", "赵 zhao", "吴 wu", "周 zhou",
    "徐 xu", "孙 sun", "马 ma", "朱 zhu", "胡 hu", "郭 guo", "何 he", "林 lin", "高 gao", "罗 luo",
    "郑 zheng", "梁 liang", "谢 xie", "宋 song", "唐 tang", "许 xu", "韩 han", "冯 feng", "邓 deng", "曹 cao",
    "彭 peng", "曾 zeng", "肖 xiao", "田 tian", "董 dong", "潘 pan", "袁 yuan", "蔡 cai", "蒋 jiang", "余 yu",
    "欧阳 ouyang",
)  # fmt: skip

GIVEN_NAMES: Final = (
    "佳怡 jiayi", "欣然 xinran", "子涵 zihan", "雨桐 yutong", "思远 siyuan", "浩然 haoran", "梓轩 zixuan",
    "俊杰 junjie", "晓明 xiaoming", "文博 wenbo", "静 jing", "丽娜 lina", "敏 min", "磊 lei", "建国 jianguo",
    "海燕 haiyan", "志强 zhiqiang", "雪梅 xuemei", "一诺 yinuo", "宇航 yuhang", "嘉豪 jiahao", "诗涵 shihan",
    "明轩 mingxuan", "若曦 ruoxi", "凯 kai", "婷婷 tingting", "国栋 guodong", "春华 chunhua", "天佑 tianyou",
    "语嫣 yuyan", "立新 lixin", "安琪 anqi", "博文 bowen", "清 qing", "云飞 yunfei", "书瑶 shuyao",
)  # fmt: skip

WESTERN_FIRST: Final = (
    "Emma", "Oliver", "Charlotte", "Liam", "Amélie", "Noah", "Sophie", "James", "Isabella", "Lucas", "Clara",
    "Mateo", "Hannah", "Ethan", "Giulia", "Daniel", "Freya", "Thomas", "Elena", "Samuel", "Ingrid", "Hugo",
)  # fmt: skip

WESTERN_LAST: Final = (
    "Taylor", "Dubois", "Schneider", "Rossi", "Martin", "Walker", "García", "Novák", "Larsen", "Bennett",
    "Moreau", "Keller", "Costa", "Murphy", "Lindqvist", "Hughes", "Fontaine", "Whitfield", "Brandt", "Okafor",
)  # fmt: skip

JAPANESE_LAST: Final = (
    "佐藤 sato",
    "鈴木 suzuki",
    "高橋 takahashi",
    "田中 tanaka",
    "渡辺 watanabe",
    "中村 nakamura",
)
JAPANESE_FIRST: Final = ("美咲 misaki", "翔太 shota", "陽菜 hina", "健一 kenichi", "葵 aoi", "大輔 daisuke")

CHINESE_PERCENT: Final = 70
JAPANESE_PERCENT: Final = 5

WITHOUT_ACCENTS: Final = str.maketrans("éíá", "eia")


def made_up_name(rng: Random) -> Name:
    """Seven in ten Chinese, one in twenty Japanese, the rest Western."""
    draw = rng.randrange(100)
    if draw < CHINESE_PERCENT:
        return _eastern(rng.choice(SURNAMES), rng.choice(GIVEN_NAMES), "", "zh")
    if draw < CHINESE_PERCENT + JAPANESE_PERCENT:
        return _eastern(rng.choice(JAPANESE_LAST), rng.choice(JAPANESE_FIRST), " ", "ja")
    first, last = rng.choice(WESTERN_FIRST), rng.choice(WESTERN_LAST)
    latin = first.lower().translate(WITHOUT_ACCENTS), last.lower().translate(WITHOUT_ACCENTS)
    return Name(f"{first} {last}", latin, "en")


def _eastern(last: str, first: str, between: str, language: str) -> Name:
    last_written, last_latin = last.split()
    first_written, first_latin = first.split()
    return Name(f"{last_written}{between}{first_written}", (first_latin, last_latin), language)
