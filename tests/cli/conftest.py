from pathlib import Path

import pytest
from command import Command, cache_home

from small_runs import screen, small_standard, traffic, write_lines


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pack_cache: Path) -> Command:
    cache_home(pack_cache, monkeypatch)
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="session")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_standard(tmp_path_factory.mktemp("standard"))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, standard: Path) -> Path:
    """A finished run over four hundred events."""
    folder = tmp_path_factory.mktemp("finished")
    screen(folder / "out", write_lines(folder / "log.jsonl", traffic(400)), standard=standard)
    return folder / "out"
