"""What a check found, in the form of OpenAI's moderations: its categories, and which kinds each of them stands for."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.cases import VERDICTS, Policy
from tocsin.flow import Checked, Message
from tocsin.forms import FormatError

# Of each category the kinds that it stands for; none: nothing here measures it, so that it is false and 0.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "harassment": ("M08", "L-hate"),
    "harassment/threatening": (),
    "sexual": ("L-sexual",),
    "hate": ("L-hate",),
    "hate/threatening": (),
    "illicit": ("M01", "M02", "M03", "M04", "M05", "M06", "M09", "M10", "M11", "M12", "M13", "M14"),
    "illicit/violent": ("M05", "M06"),
    "self-harm/intent": (),
    "self-harm/instructions": (),
    "self-harm": ("L-selfharm",),
    "sexual/minors": ("M07",),
    "violence": ("M06",),
    "violence/graphic": (),
}
FLAG_ONLY = "M07"  # no rule or weight speaks of it: a flag from elsewhere
FALLBACK = "illicit"  # a kind of the member's own that no category stands for
MOST_INPUTS = 512
TEXT, IMAGE = "text", "image"
Inputs = list[tuple[Message, ...]]


class Body(msgspec.Struct):
    """What a client sends; fields that are not named here are passed over, as OpenAI's server does."""

    input: str | list[Any]
    model: str | None = None


def read_inputs(body: Body) -> Inputs:
    """Read what is asked about: each string alone, or parts of text and images, which are one input together.

    Errors: FormatError.
    """
    given: list[Any] = [body.input] if isinstance(body.input, str) else body.input
    if not 0 < len(given) <= MOST_INPUTS:
        raise FormatError(f"{len(given)} inputs, not 1 to {MOST_INPUTS}", hint="send fewer at once")
    if all(isinstance(one, str) for one in given):
        return [(Message("user", one),) for one in given]
    if all(isinstance(one, dict) for one in given):
        return [_joined(given)]
    raise FormatError("input is neither text, texts nor parts", hint='parts are {"type": "text", "text": …}')


def _joined(parts: Sequence[dict[str, Any]]) -> tuple[Message, ...]:
    texts: list[str] = []
    unseen: list[str] = []
    for number, part in enumerate(parts):
        if part.get("type") == TEXT and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif part.get("type") == "image_url" and isinstance(part.get("image_url"), dict):
            unseen.append("image_url")
        else:
            raise FormatError(f"part {number} is neither text nor image_url", hint="send one of these types")
    return (Message("user", "\n".join(texts), tuple(unseen)),)


def moderated(checked: Checked, message: Message, policy: Policy) -> dict[str, Any]:
    """Write one result in OpenAI's form; `kinds`, `verdict`, `score`, `reasons` and `unseen` are Tocsin's own.

    Flagged is what the policy reviews or blocks, as `flag_from` says; then the categories of the kinds behind that are
    true. Scores are probabilities at even odds; of a kind with a finding at least the finding's score.
    """
    ruling = checked.ruling
    flagged = VERDICTS.index(ruling.verdict) >= VERDICTS.index(policy.flag_from)
    kinds = dict.fromkeys((*ruling.kinds, *(f.kind for f in checked.findings)))
    named = _categories_of(kinds) if flagged else set()
    if flagged and not named:
        named = {FALLBACK}  # a clause that is about no kind in particular
    seen = [TEXT] if message.text else []
    measured = {name for name, kinds in CATEGORIES.items() if kinds and kinds != (FLAG_ONLY,)}
    return {
        "flagged": flagged,
        "categories": {name: name in named for name in CATEGORIES},
        "category_scores": {name: _score(name, checked) for name in CATEGORIES},
        "category_applied_input_types": {name: seen if name in measured else [] for name in CATEGORIES},
        "kinds": list(kinds),
        "verdict": ruling.verdict,
        "score": round(checked.score, 6),
        "reasons": {"en": ruling.reasons.en, "zh": ruling.reasons.zh},
        "unseen": list(message.unseen),
    }


def _categories_of(kinds: Sequence[str] | dict[str, None]) -> set[str]:
    named = {name for name, stands_for in CATEGORIES.items() if any(kind in stands_for for kind in kinds)}
    known = {kind for stands_for in CATEGORIES.values() for kind in stands_for}
    return named | ({FALLBACK} if any(kind not in known for kind in kinds) else set())


def _score(category: str, checked: Checked) -> float:
    stands_for = CATEGORIES[category]
    likely = max((sum((j.kinds.get(kind, 0.0) for kind in stands_for), 0.0) for j in checked.judged), default=0.0)
    found = max((f.score for f in checked.findings if f.kind in stands_for), default=0.0)
    return round(min(1.0, max(likely, found)), 6)
