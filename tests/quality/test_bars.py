"""The bars that the shipped rules must clear on labelled prompts, where those can be read."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

LABELLED = Path(os.environ.get("TOCSIN_LABELLED", "../shared/data"))
MOST_FALSE = 0.002
LEAST_MEAN_RECALL = 0.10

pytestmark = pytest.mark.skipif(not LABELLED.is_dir(), reason="no labelled prompts; set TOCSIN_LABELLED")


def tool() -> ModuleType:
    path = Path(__file__).parents[2] / "tools/measure_quality.py"
    spec = importlib.util.spec_from_file_location("measure_quality", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.minutes
def test_rules_clear_the_bars_in_both_languages() -> None:
    measure_quality = tool()
    rows = measure_quality.read_labelled(LABELLED)
    measured, _ = measure_quality.measure(rows)
    assert {lang for _, lang in measured} == {"en", "zh"}
    for where, m in measured.items():
        assert m.benign.texts > 1000, where
        assert m.benign.share <= MOST_FALSE, (where, m.false_rules)
        assert m.mean_recall >= LEAST_MEAN_RECALL, (where, m.sources)
