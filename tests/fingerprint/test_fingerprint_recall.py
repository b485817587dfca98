"""Templates are found however they are disguised, among many other alarms, and benign texts are not."""

from pathlib import Path
from random import Random

import pytest
from fingerprint_texts import DISGUISES, KEY, OTHER, said, text

from tocsin.screen import FingerprintDetector
from tocsin.text.bank_store import open_bank
from tocsin.traffic.sample import build_sample


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguised_template_is_found(crowded: Path, templates: dict[str, str], lang: str, disguise: str) -> None:
    detector = FingerprintDetector(open_bank(crowded), (KEY,), "1")
    least, change = DISGUISES[disguise]
    random = Random(f"{lang} {disguise}")
    ours = {name: change(t, lang, random) for name, t in templates.items() if name.startswith(lang)}
    found = said(detector, list(ours.values()))
    assert sum(name in alarms for name, alarms in zip(ours, found, strict=True)) >= least * len(ours)


def test_another_groups_key_finds_nothing(crowded: Path, templates: dict[str, str]) -> None:
    detector = FingerprintDetector(open_bank(crowded), (OTHER,), "1")
    assert not any(said(detector, list(templates.values())))


def test_other_texts_of_the_same_words_are_not_found(crowded: Path) -> None:
    detector = FingerprintDetector(open_bank(crowded), (KEY,), "1")
    random = Random(77)
    assert not any(said(detector, [text(lang, random) for lang in ("en", "zh") for _ in range(1000)]))


def test_the_samples_texts_are_not_found(crowded: Path) -> None:
    detector = FingerprintDetector(open_bank(crowded), (KEY,), "1")
    assert not any(said(detector, [str(event["text"]) for event in build_sample(1).events]))
