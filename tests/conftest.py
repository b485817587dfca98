"""Settings of the whole suite: property tests draw the same examples in every run and know no deadline."""

from pathlib import Path

import pytest
from hypothesis import settings

from tocsin.standard import Standard, load_standard

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def pack_cache(pytestconfig: pytest.Config) -> Path:
    """A cache folder that outlives the run: packs are named by their content, so an old one is never wrong."""
    assert pytestconfig.cache is not None
    return Path(pytestconfig.cache.mkdir("tocsin-packs"))


@pytest.fixture(scope="session")
def shipped() -> Standard:
    """The standard that ships, every rule proved by its examples."""
    return load_standard()
