"""docs/ledger.md: its first example runs as written, and its limits are those of the code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tocsin.ledger.note import MOST_SIGNATURES, NOTE_BYTES
from tocsin.ledger.policy import BAND, POLICY_BYTES
from tocsin.ledger.tiles import ENTRY_BYTES, WIDTH
from tocsin.ledger.upload import REQUEST_PACKAGES

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text("utf-8")


def test_the_way_from_a_key_to_a_verified_entry_runs_as_written(tmp_path: Path) -> None:
    (tmp_path / "statement.json").write_text("{}")
    script = PAGE.split("```sh\n")[1].split("```")[0]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1].startswith("example.org/log\t1\t0")


LIMITS = (
    f"{MOST_SIGNATURES} signatures",
    f"{NOTE_BYTES >> 10} KiB",
    f"{POLICY_BYTES >> 20} MiB",
    f"{ENTRY_BYTES:,} of them",
    f"{REQUEST_PACKAGES * WIDTH:,} entries",
    f"the {BAND} seconds",
)


@pytest.mark.parametrize("limit", LIMITS)
def test_the_page_names_the_limits_that_the_code_has(limit: str) -> None:
    assert limit in PAGE
