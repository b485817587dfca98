from pathlib import Path
from random import Random

import pytest
from fingerprint_texts import alarms_of, noise, text

from tocsin.text.bank import join
from tocsin.text.bank_store import create_bank

TEMPLATES = 150


@pytest.fixture(scope="session")
def templates() -> dict[str, str]:
    """Templates by id, which begins with the language."""
    random = Random(1)
    return {f"{lang}-{i:03}": text(lang, random) for lang in ("en", "zh") for i in range(TEMPLATES)}


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory, templates: dict[str, str]) -> Path:
    """A bank of these templates among twenty thousand alarms of other texts."""
    folder = tmp_path_factory.mktemp("bank") / "bank"
    create_bank(folder, join([alarms_of(templates), noise(20_000, Random(2))]))
    return folder
