from pathlib import Path

import pytest
from ledger_worlds import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
