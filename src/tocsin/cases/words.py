"""One sentence in each language: why a case exists."""

from collections.abc import Sequence
from functools import cache, partial

import pyarrow as pa
import pyarrow.compute as pc

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


def why(told: pa.Table, links: Sequence[Link | None], standard: Standard) -> list[tuple[str, str]]:
    """Say of each case, in one sentence of each language, what was found, how often, and what links it to others.

    No sentence holds content or an identifier. `told` is what `sum_up` gives.
    """
    named = cache(partial(_named, standard=standard))
    kinds = map(named, pc.list_element(told["kinds"], 0).to_pylist())
    voices = (list(map(named, voices)) for voices in pc.list_slice(told["voices"], 0, _MOST_VOICES).to_pylist())
    sessions = pc.list_value_length(told["sessions"]).to_pylist()
    return list(map(_sentence, kinds, told["findings"].to_pylist(), sessions, voices, links))


def _sentence(
    kind: Bilingual, findings: int, sessions: int, voices: Sequence[Bilingual], link: Link | None
) -> tuple[str, str]:
    en = f"{kind.en}: {_count(findings, 'finding')}" + (f" in {_count(sessions, 'session')}" if sessions else "")
    zh = f"{kind.zh}：" + (f"{sessions} 个会话中" if sessions else "") + f"有 {findings} 条检出项"
    en += f", above all {' and '.join(v.en for v in voices)}"
    zh += f"，主要是{'、'.join(v.zh for v in voices)}"
    shared = _linked(link)
    return (f"{en}{shared.en}.", f"{zh}{shared.zh}。") if shared else (f"{en}.", f"{zh}。")


def _named(what: str, standard: Standard) -> Bilingual:
    """Name a kind, a rule or a detector."""
    if what in standard.by_id:
        title = standard.by_id[what].form.title
        return Bilingual(en=f"“{title.en}”", zh=f"“{title.zh}”")
    return standard.names.get(what) or BEHAVIOUR.get(what) or Bilingual(en=what, zh=what)


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
