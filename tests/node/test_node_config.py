"""The settings that are written are those that are read; every key is explained in both languages."""

import subprocess
import sys
from pathlib import Path

import pytest

from tocsin.forms import ConfigError, TransportError
from tocsin.node.config import NodeConfig, SinkSection, read_config, write_config

HOUSE = Path(__file__).parent.parent.parent
SECTIONS = {name: field.annotation for name, field in NodeConfig.model_fields.items() if name != "sinks"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.toml"
    path.write_text(write_config(NodeConfig()), "utf-8")
    assert read_config(path) == NodeConfig()


@pytest.mark.parametrize("section", [*SECTIONS.values(), SinkSection], ids=lambda one: one.__name__)
def test_every_key_is_explained_in_both_languages(section: type) -> None:
    for key, field in section.model_fields.items():
        assert field.description and field.description.endswith("."), key
        assert field.json_schema_extra["zh"].endswith("。"), key
    assert " · " in (section.__doc__ or "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[server]\nbody_bytes = 5", "server.body_bytes"),
        ("[server]\nbody_byte = 5000", "server.body_byte"),
        ("[retention]\ntraffic_days = 'words-of-mine'", "retention.traffic_days"),
        ("[nothing]", "nothing"),
        ("words-of-mine", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_and_its_value_is_not_told(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "tocsin.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why) as told:
        read_config(path)
    assert "words-of-mine" not in str(told.value) and told.value.hint
    with pytest.raises(TransportError):
        read_config(tmp_path / "nothing")


def test_the_page_of_settings_is_current() -> None:
    command = [sys.executable, str(HOUSE / "tools/make_config_reference.py"), "--check"]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0, "run `make docs`"
