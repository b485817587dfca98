"""The standard of the detectors' examples: a grave rule and a hint."""

import pytest

from tocsin.screen.examples import RULES
from tocsin.standard import Standard, load_standard


@pytest.fixture(scope="session")
def bells() -> Standard:
    return load_standard(RULES)
