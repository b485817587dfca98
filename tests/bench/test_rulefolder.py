"""The bench's rule folder: as many rules as asked for, each proved by its examples, the same for the same seed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from rulefolder import KIND, REGEX_SHARE, write_folder
from tocsin.standard import load_standard

FILE = f"{KIND}-generated.yaml"
MORE = 30


@pytest.mark.minutes
def test_folder_holds_the_shipped_rules_and_generated_ones(tmp_path: Path) -> None:
    shipped = {rule.id for rule in load_standard(prove=False).rules}
    assert write_folder(tmp_path / "one", len(shipped) + MORE, 5) == len(shipped) + MORE
    made = [rule for rule in load_standard(tmp_path / "one", prove=False).rules if rule.id not in shipped]
    assert len(made) == MORE
    assert sum("regex" in str(rule.form.match) for rule in made) == MORE // REGEX_SHARE
    write_folder(tmp_path / "two", len(shipped) + MORE, 5)
    write_folder(tmp_path / "three", len(shipped) + MORE, 6)
    one, two, three = ((tmp_path / name / "rules" / FILE).read_bytes() for name in ("one", "two", "three"))
    assert one == two != three
