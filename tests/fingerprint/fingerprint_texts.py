"""Templates of made-up words in both languages, their disguises, and banks of them among noise."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

import numpy as np
import pyarrow as pa

from tocsin.screen import FingerprintDetector
from tocsin.text import fold_batch
from tocsin.text.bank import PROBED, Fingerprints, fingerprint, join
from tocsin.text.fingerprint import GroupKey, public_windows
from tocsin.text.fingerprint_thin import Crowd, thin
from tocsin.text.windows import SAMPLED

KEY = GroupKey.of(b"the key of the tests' own group.")
OTHER = GroupKey.of(b"a key that another group agreed.")
NOTHING = np.empty(0, dtype=np.uint64)
WORDS_EN = [
    "lamp",
    "harbour",
    "keeper",
    "rope",
    "lantern",
    "quiet",
    "answer",
    "never",
    "always",
    "question",
    "ledger",
    "window",
    "tower",
    "signal",
    "gather",
    "whistle",
    "captain",
    "morning",
    "anchor",
    "pretend",
    "refuse",
    "counter",
    "market",
    "letter",
    "ribbon",
    "copper",
    "garden",
    "winter",
    "stranger",
    "promise",
    "velvet",
    "thunder",
    "bottle",
    "candle",
    "shadow",
    "river",
    "ticket",
    "pocket",
    "mirror",
    "engine",
    "paper",
    "silver",
    "basket",
    "meadow",
    "corner",
    "bridge",
    "curtain",
    "parcel",
    "feather",
    "kettle",
    "orchard",
    "compass",
    "ladder",
    "blanket",
    "cellar",
    "hammer",
    "pepper",
    "sailor",
    "tunnel",
    "village",
    "wagon",
    "willow",
    "before",
    "after",
    "between",
    "without",
    "toward",
    "every",
    "seven",
    "other",
    "around",
    "behind",
    "beneath",
    "slowly",
    "gladly",
    "rather",
    "nearly",
]
WORDS_ZH = [
    "灯塔",
    "港口",
    "守夜",
    "绳索",
    "灯笼",
    "安静",
    "回答",
    "从不",
    "总是",
    "提问",
    "账簿",
    "窗户",
    "钟楼",
    "信号",
    "聚集",
    "哨子",
    "船长",
    "清晨",
    "船锚",
    "假装",
    "拒绝",
    "柜台",
    "集市",
    "信件",
    "丝带",
    "红铜",
    "花园",
    "冬天",
    "路人",
    "诺言",
    "绒布",
    "雷声",
    "瓶子",
    "蜡烛",
    "影子",
    "河流",
    "车票",
    "口袋",
    "镜子",
    "引擎",
    "纸张",
    "银器",
    "篮子",
    "草地",
    "角落",
    "石桥",
    "窗帘",
    "包裹",
    "羽毛",
    "水壶",
    "果园",
    "罗盘",
    "梯子",
    "毛毯",
    "地窖",
    "铁锤",
    "胡椒",
    "水手",
    "隧道",
    "村庄",
    "马车",
    "柳树",
    "之前",
    "之后",
    "其间",
    "没有",
    "朝着",
    "每个",
    "七次",
    "另外",
    "四周",
    "背后",
    "底下",
    "慢慢",
    "乐意",
    "宁可",
    "几乎",
]
LOOKALIKE = str.maketrans("aeocpxy", "аеосрху")


def text(lang: str, random: Random, words: int = 60) -> str:
    """Write a text in which every other word is made up, as names and rare words are."""
    if lang == "en":
        return " ".join(random.choice(WORDS_EN) if random.random() < 0.5 else _made_up(random) for _ in range(words))
    pieces = (random.choice(WORDS_ZH) if random.random() < 0.5 else _made_up_zh(random) for _ in range(words))
    return "".join(piece + ("，" if i % 6 == 5 else "") for i, piece in enumerate(pieces))


def _made_up(random: Random) -> str:
    return "".join(random.choice("bdfgklmnprstv") + random.choice("aeiou") for _ in range(random.randint(2, 4)))


def _made_up_zh(random: Random) -> str:
    return chr(random.randint(0x4E00, 0x8FFF)) + chr(random.randint(0x4E00, 0x8FFF))


def edited(template: str, lang: str, random: Random) -> str:
    """Replace one word in ten, in Chinese one character in ten."""
    parts = template.split(" ") if lang == "en" else list(template)
    others = WORDS_EN if lang == "en" else "".join(WORDS_ZH)
    for i in random.sample(range(len(parts)), max(1, len(parts) // 10)):
        parts[i] = random.choice(others)
    return (" " if lang == "en" else "").join(parts)


def padded(template: str, lang: str, random: Random) -> str:
    """Put as much of other text before it and behind it."""
    return f"{text(lang, random)}. {template} {text(lang, random)}"


def zero_width(template: str, lang: str, random: Random) -> str:
    return "".join(c + "\u200b" * (random.random() < 0.3) for c in template)


def full_width(template: str, lang: str, random: Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in template)


DISGUISES: dict[str, tuple[float, Callable[[str, str, Random], str]]] = {
    "exact": (0.98, lambda t, lang, random: t),
    "edited": (0.98, edited),
    "padded": (0.98, padded),
    "padded and edited": (0.97, lambda t, lang, random: padded(edited(t, lang, random), lang, random)),
    "look-alike letters": (0.98, lambda t, lang, random: t.translate(LOOKALIKE)),
    "zero-width": (0.98, zero_width),
    "full-width": (0.98, full_width),
}


def crowd_of(texts: Iterable[str], accounts: Sequence[str] = ("a", "b", "c")) -> Crowd:
    crowd = Crowd()
    lines = list(texts)
    folded = fold_batch(pa.array(lines, pa.string()))
    for row in range(len(lines)):
        crowd.add(folded.line(row), list(accounts))
    return crowd


def alarms_of(texts: dict[str, str], key: GroupKey = KEY, kind: str = "M12") -> Fingerprints:
    return join([thin(crowd_of([t]), NOTHING, name, kind, key) for name, t in texts.items()])


def noise(count: int, random: Random, key: GroupKey = KEY) -> Fingerprints:
    """Alarms of other texts in the same words."""
    return join(list(_noise(count, random, key)))


def _noise(count: int, random: Random, key: GroupKey) -> Iterator[Fingerprints]:
    texts = [text("en" if i % 2 else "zh", random, 30) for i in range(count)]
    folded = fold_batch(pa.array(texts, pa.string()))
    for row in range(count):
        hashes = np.unique(public_windows(folded.line(row))[0])[:64]
        probed = int((hashes[:PROBED] < np.uint64(SAMPLED)).sum())
        if probed:
            yield fingerprint(f"noise-{row:07}", "M03", key.mark, key.keyed(hashes), probed, 512)


def said(detector: FingerprintDetector, texts: Sequence[str]) -> list[set[str]]:
    """The alarms that each text holds."""
    found: list[set[str]] = [set() for _ in texts]
    folded = fold_batch(pa.array(texts, pa.string()))
    for match in detector.matches(folded):
        found[folded.row(match.line)].add(match.alarm)
    return found
