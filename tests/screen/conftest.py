"""The standard of the detectors' examples, and some shipped rules."""

from dataclasses import replace

import pytest

from tocsin.screen import RuleDetector, rule_detector
from tocsin.screen.examples import RULES
from tocsin.standard import Standard, load_standard


@pytest.fixture(scope="session")
def bells() -> Standard:
    return load_standard(RULES)


@pytest.fixture(scope="session")
def bell_detector(bells: Standard) -> RuleDetector:
    return rule_detector(bells)


@pytest.fixture(scope="session")
def shipped() -> Standard:
    """Every twelfth shipped rule: to compile all for the scanner takes long, and the standard's own tests do."""
    whole = load_standard(prove=False)
    return replace(whole, rules=whole.rules[::12])
