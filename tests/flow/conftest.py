from pathlib import Path

import pytest

from small_runs import small_standard, traffic, write_lines


@pytest.fixture(scope="session")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_standard(tmp_path_factory.mktemp("standard"))


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three thousand events in one file."""
    return write_lines(tmp_path_factory.mktemp("logs") / "traffic.jsonl", traffic(3000))
