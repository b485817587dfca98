from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from traffic_reading import Outcome, pull_all


@pytest.fixture(scope="session")
def spill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spill")


@pytest.fixture
def read(spill: Path, tmp_path: Path) -> Iterator[Callable[..., Outcome]]:
    """Pull paths, or bytes after writing them to a file; a test sees no run left on disk."""

    def run(*inputs: Path | str | bytes, form: str | None = None, name: str = "log.jsonl") -> Outcome:
        paths: list[Path | str] = []
        for given in inputs:
            if isinstance(given, bytes):
                (tmp_path / name).write_bytes(given)
            paths.append(tmp_path / name if isinstance(given, bytes) else given)
        return pull_all(paths, form, spill=spill)

    yield run
    assert list(spill.iterdir()) == []
