"""Folds that keep whole sources apart: what a model reaches on a source that it has never seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.labelled import Labelled

Mask = NDArray[np.bool_]

# Sources that share authors, templates or a generator leave together. A source that stands nowhere leaves with the
# fold that its name's hash gives.
FAMILIES = (
    ("hatecheck",),
    ("harmfulqa", "dangerousqa", "catqa"),
    ("mlc_v05_unsafe", "ailuminate_demo", "ailuminate_zh_moonshot"),
    (
        "inthewild_jailbreak",
        "pyrit_jailbreak_templates",
        "gptfuzzer_templates",
        "eval_safety_integrated",
        "eval_safety_tasks",
        "pyrit_injection",
        "pyrit_airt",
    ),
    ("cyberseceval_interpreter", "cyberseceval_pi", "cyberseceval_pi_zh"),
    ("xsafety", "sg_safety_questions"),
    (
        "advbench",
        "harmbench",
        "strongreject",
        "tdc2023",
        "simple_safety_tests",
        "aig_eval",
        "multijail",
    ),
    ("jailbench", "jailbench_seed"),
    ("cold", "teleantifraud_0228"),
)
BENIGN = (
    ("hatecheck", "gsm8k", "crosswoz_user"),
    ("anthropic_persona", "mt_bench"),
    ("mlc_v05_safe", "plex_prompts_zh", "pubmedqa"),
    ("plex_questions_zh",),
    ("cyberseceval_frr",),
    ("xsafety", "self_instruct_user", "self_instruct_seed"),
    ("cvalues_resp",),
    ("gpteacher", "eval_safety_tasks"),
    ("clinc150", "cold", "teleantifraud_0228"),
)
FOLDS = len(FAMILIES)
WRITTEN = "written"  # the sources of our own texts begin so; they are always trained on, never judged by


@dataclass(frozen=True)
class Fold:
    """Say what a fold trains on and what it keeps apart.

    `unseen` rows are of sources that the fold has not seen at all; `plain` are benign rows kept apart for the
    threshold, an even share of every benign source.
    """

    train: Mask
    unseen: Mask
    plain: Mask


def folds_of(data: Labelled) -> Iterator[Fold]:
    """Cut labelled texts into folds; our own texts are never kept apart."""
    family = np.where(data.misuse, _family(data.sources, FAMILIES), _family(data.sources, BENIGN))
    share = np.array([crc32(text.encode()) % FOLDS for text in data.texts])
    ours = np.char.startswith(data.sources, WRITTEN)
    for number in range(FOLDS):
        unseen = ~ours & (family == number)
        plain = ~ours & ~data.misuse & (share == number)
        yield Fold(~unseen & ~plain, unseen, plain)


def _family(sources: NDArray[np.str_], families: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    number = {source: n for n, family in enumerate(families) for source in family}
    return np.array([number.get(s, crc32(s.encode()) % FOLDS) for s in sources.tolist()], dtype=np.int64)
