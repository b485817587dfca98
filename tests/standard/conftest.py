from pathlib import Path

import pytest

from tocsin.standard import RulePack, Standard, compile_pack


@pytest.fixture(scope="session")
def pack(shipped: Standard, pack_cache: Path) -> RulePack:
    return compile_pack(shipped, pack_cache / "tocsin")
