"""One sentence in each language: why a case exists."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tocsin.cases.link import Link
from tocsin.standard import Bilingual, Standard

SHARED = {
    "template": Bilingual(en="a text template", zh="文本模板"),
    "device": Bilingual(en="a device", zh="设备"),
    "payment": Bilingual(en="a means of payment", zh="支付方式"),
    "client": Bilingual(en="a client", zh="客户端"),
    "network": Bilingual(en="a network", zh="网络"),
}
BEHAVIOUR = {
    "template": Bilingual(en="one template across many accounts", zh="多个账号使用同一模板"),
    "shared": Bilingual(
        en="many accounts on one device, payment, client or network", zh="多个账号共用设备、支付方式、客户端或网络"
    ),
    "coverage": Bilingual(en="systematic, evenly paced coverage", zh="昼夜匀速的系统性遍历"),
    "fingerprint": Bilingual(en="the text of an alarm", zh="警示中的文本"),
    "burst": Bilingual(en="a burst of use", zh="短时突发高频使用"),
    "classifier": Bilingual(en="the judgement of the classifier", zh="分类器的判定"),
}
_MOST_VOICES = 2


def why(findings: Sequence[dict[str, Any]], kinds: Sequence[str], link: Link | None, standard: Standard) -> Bilingual:
    """Say in one sentence what was found, how often, and what links the case to others; no content, no identifier."""
    name = standard.names.get(kinds[0]) or Bilingual(en=kinds[0], zh=kinds[0])
    sessions = len({f["session"] for f in findings if f["session"]})
    voices = _loudest(findings, standard)
    en = f"{name.en}: {_count(len(findings), 'finding')}" + (f" in {_count(sessions, 'session')}" if sessions else "")
    zh = f"{name.zh}：" + (f"{sessions} 个会话中" if sessions else "") + f"有 {len(findings)} 条检出项"
    en += f", above all {' and '.join(v.en for v in voices)}"
    zh += f"，主要是{'、'.join(v.zh for v in voices)}"
    tail = _linked(link)
    return Bilingual(en=f"{en}{tail.en}.", zh=f"{zh}{tail.zh}。") if tail else Bilingual(en=f"{en}.", zh=f"{zh}。")


def _loudest(findings: Sequence[dict[str, Any]], standard: Standard) -> list[Bilingual]:
    weight: Counter[str] = Counter()
    for f in findings:
        weight[f["rule"] or f["detector"]] += 10 ** f["severity"]
    top = sorted(weight, key=lambda v: (-weight[v], v))[:_MOST_VOICES]
    return [_named(voice, standard) for voice in top]


def _named(voice: str, standard: Standard) -> Bilingual:
    if voice in standard.by_id:
        title = standard.by_id[voice].form.title
        return Bilingual(en=f"“{title.en}”", zh=f"“{title.zh}”")
    return BEHAVIOUR.get(voice) or Bilingual(en=voice, zh=voice)


def _linked(link: Link | None) -> Bilingual | None:
    if link is None:
        return None
    shared = [SHARED[m] for m in dict.fromkeys(v.partition(":")[0] for v in link.values)]
    en = f"; shares {_listed([s.en for s in shared])} with {_count(link.reach - 1, 'other account')} in cases"
    zh = f"；与另外 {link.reach - 1} 个已立个案的账号共用{'、'.join(s.zh for s in shared)}"
    return Bilingual(en=en, zh=zh)


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
