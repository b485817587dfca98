"""Settings of the whole suite: property tests draw the same examples in every run and know no deadline."""

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tocsin.standard import Standard

# Where a shell forbids byte code, every command that a test starts would compile the whole house again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_collection_finish() -> None:
    """Spare the garbage collector from walking over the modules and tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process a stretch of neighbours, which share what their module or room is based on."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture(scope="session")
def pack_cache(pytestconfig: pytest.Config) -> Path:
    """A cache folder that outlives the run: packs are named by their content, so an old one is never wrong."""
    assert pytestconfig.cache is not None
    return Path(pytestconfig.cache.mkdir("tocsin-packs"))


@pytest.fixture(scope="session")
def shipped(pack_cache: Path) -> "Standard":
    """The standard that ships; its rules are proved in a test of its own."""
    from tocsin.standard import load_standard

    return load_standard(cache=pack_cache / "tocsin")
