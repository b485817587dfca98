"""Help: an example for every command, in no time."""

import subprocess
import sys

import pytest
from command import Command, modules_after

from tocsin import __version__

COMMANDS = (
    "", "demo", "screen", "cases", "report", "check",
    "exercise", "exercise run", "exercise sensitivity", "exercise show", "exercise check",
    "standard", "standard list", "standard show", "standard check", "standard lint",
    "key", "key new", "key show", "log", "log init", "log append", "log checkpoint", "log prove",
    "log recover", "log serve",
    "witness", "witness init", "witness add-log", "witness add-peer", "witness serve",
    "mirror", "mirror init", "mirror add-log", "mirror add-peer", "mirror sync", "mirror serve",
    "node backup", "node restore", "node migrate", "node again", "node hold", "node holds", "forget",
    "verify", "verify proof", "verify log", "verify mirror", "verify evidence", "verify coalition",
    "verify exhibit", "node", "node init", "serve", "standard diff", "key rotate",
    "charter", "charter new", "charter sign", "charter show", "propose", "vote", "stamp", "anchor", "notice", "inquire",
    "answer", "freeze", "publish", "state", "disclose", "seal", "seal agreement", "seal ending", "seal alarm",
    "seal retraction", "seal sighting", "seal opinion", "seal receipt", "seal inquiry", "seal answer", "seal cover",
    "seal cadence", "seal batch", "body", "body list", "body show", "body export", "body import", "body forget",
    "node person", "node person add", "node person list", "node person remove", "node token", "node token new",
    "node token list", "node token revoke", "node audit", "node secret",
)  # fmt: skip
HEAVY = {"pyarrow", "pydantic", "numpy", "hyperscan", "yaml", "jinja2", "vl_convert", "rich", "tocsin.flow",
         "tocsin.ledger", "tocsin.node", "cryptography", "sqlalchemy", "starlette", "httpx", "uvicorn"}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(tocsin: Command, command: str) -> None:
    told = tocsin(*command.split(), "--help")
    assert (told.code, told.err) == (0, "")
    assert f"Example: tocsin {command}".strip() in told.out


def test_the_example_of_every_command_begins_with_its_own_name(tocsin: Command) -> None:
    listed = tocsin("--help").out.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "] == [
        "demo", "screen", "cases", "report", "check", "train", "evaluate", "propose", "vote", "stamp", "anchor",
        "notice", "inquire", "answer", "freeze", "publish", "disclose", "state", "serve", "forget",
        "exercise", "fingerprint", "standard", "key", "log",
        "witness", "mirror", "charter", "seal", "body", "verify", "node",
    ]  # fmt: skip


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_loads_nothing_heavy(argument: str) -> None:
    run = subprocess.run([sys.executable, "-c", modules_after(argument)], capture_output=True, text=True, check=True)
    assert run.stdout
    assert HEAVY & set(run.stderr.split()) == set()
    assert "tocsin.cli.main" in run.stderr.split()


def test_the_version_is_told(tocsin: Command) -> None:
    assert tocsin("--version").out == f"{__version__}\n"


WRONG = (
    "", "standard", "nonsense", "screen", "screen x", "screen --out y", "cases", "check", "report", "standard show",
    "screen x --out y --workers 0", "screen x --out y --max-rejects 2", "screen x --out y --odd", "demo --seed one",
    "exercise run poison", "exercise run poison --out y --runs 1", "exercise", "exercise run poison --out y --seed -1",
    "cases x --top 0", "standard nonsense", "check a b",
)  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_ends_with_2(tocsin: Command, line: str) -> None:
    told = tocsin(*line.split())
    assert told.code == 2
    assert "Usage: tocsin" in told.out + told.err
    assert "Traceback" not in told.out + told.err


CONFIGURED = (
    ("cases x --lang fr", "no texts in language 'fr'"),
    ("check x --lang fr", "no texts in language 'fr'"),
    ("demo --lang fr", "no texts in language 'fr'"),
    ("demo --without nobody", "no campaign is named 'nobody'"),
    ("screen x --out y --evidence all", "no evidence setting 'all'"),
    ("exercise show nothing", "no scenario is named 'nothing'"),
    ("exercise sensitivity poison --policy some", "no policy is named 'some'"),
    ("exercise sensitivity poison --measure luck", "no measure is named 'luck'"),
    ("standard show M99", "no kind or rule is named 'M99'"),
)


@pytest.mark.parametrize(("line", "why"), CONFIGURED)
def test_a_wrong_value_ends_with_2_and_a_remedy(tocsin: Command, line: str, why: str) -> None:
    told = tocsin(*line.split())
    first, second, *rest = told.err.splitlines()
    assert (told.code, told.out, rest) == (2, "", [])
    assert first.startswith(f"tocsin: {why}")
    assert second.startswith("        ") and second.strip()
