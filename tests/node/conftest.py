from collections.abc import Iterator

import pytest
from node_processes import Servers


@pytest.fixture
def servers() -> Iterator[Servers]:
    started = Servers()
    yield started
    started.stop_all()
