"""What is wrong with the settings, or with a file that they name, is told before anything starts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from node_processes import run

import tocsin.node
from tocsin.forms import ConfigError
from tocsin.node import init_node, look_over, open_node

CLAUSE = "name: ours\nclauses: [{id: c, verdict: review, when: {finding: {%s}}, reason: {en: a, zh: b}}]"
SINK = "[[sinks]]\nname = 'one'\nurl = 'https://example.org/'\n"
ISSUER = "[oidc]\nissuer = 'https://id.example.org'\nclient_id = 'x'\nredirect = 'https://t/v1/login/oidc/back'\n"


def with_settings(folder: Path, section: str) -> Path:
    """Make a node, and put a section in the place of what its settings say of it."""
    init_node(folder)
    path = folder / "tocsin.toml"
    name = re.match(r"\[\w+\]", section)
    kept = path.read_text()
    if name:
        kept = re.sub(re.escape(name[0]) + r"\n(?:(?!\n\[).)*", "", kept, flags=re.DOTALL)
    path.write_text(f"{kept}\n{section}\n")
    return folder


@pytest.mark.parametrize(
    ("section", "name", "content", "told"),
    [
        ("[check]\npolicy = 'p.yaml'", "", "", r"check\.policy = 'p\.yaml': the policy 'p\.yaml' cannot be read"),
        ("[check]\npolicy = 'p.yaml'", "p.yaml", "name: [", r"check\.policy = 'p\.yaml': the policy is not YAML"),
        ("[check]\npolicy = 'p.yaml'", "p.yaml", CLAUSE % "severity: 9", r"clauses\.0\.when\.finding\.severity"),
        ("[check]\npolicy = 'p.yaml'", "p.yaml", CLAUSE % "kinds: [M99]", r"clause 'c' names the kind 'M99', which"),
        ("[check]\npolicy = 'p.yaml'", "p.yaml", CLAUSE % "rules: [M01.no]", r"clause 'c' names the rule 'M01\.no'"),
        ("[check]\npolicy = 'p.yaml'", "p.yaml", CLAUSE % "not_rules: [M01.no]", r"names the rule 'M01\.no'"),
        ("[check]\nalarms = 'b'\ngroup_keys = ['k']", "k", "0" * 64, r"check\.alarms = 'b'"),
        ("[screening]\nallow = 'a.yaml'", "a.yaml", "allow: [{rule: 7}]", r"screening\.allow = 'a\.yaml': allow-list"),
        ("[screening]\nstandard = 'mine'", "", "", r"screening\.standard = 'mine': no standard folder"),
        ("[folder]\npath = 'logs'", "", "", r"folder\.path = 'logs': there is no such folder"),
        ("[kafka]\nservers = 'h:1'\ntopic = 't'\noptions = 'o'", "o", "tls", r"kafka\.options = 'o': 'o' has a line"),
        ("[nats]\nurl = 'nats://h'\nstream = 's'\ncredentials = 'c'", "", "", r"nats\.credentials = 'c': there is no"),
        (f"{ISSUER}secret = 's'", "", "", r"oidc\.secret: the secret of oidc\.secret cannot be read"),
        (f"{SINK}secret = 's'", "s", "not-a-key\n", r"sinks\.0\.secret: a webhook's secret is neither"),
        (f"{SINK}secret = 's'", "s", "whsec_c2hvcnQ=\n", r"sinks\.0\.secret: a webhook's secret has 5 bytes, not 24"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_key(
    tmp_path: Path, section: str, name: str, content: str, told: str
) -> None:
    node = open_node(with_settings(tmp_path / "node", section))
    if name:
        (tmp_path / "node" / name).write_text(content)
    with pytest.raises(ConfigError, match=told) as error:
        look_over(node)
    node.close()
    assert error.value.hint


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("[check]\nstage = 'third'", "check.stage: input should be 'first' or 'second', not 'third'"),
        ("[server]\nbody_bytes = 5", "server.body_bytes: input should be greater than or equal to 1024, not 5"),
        ("[check]\nalarms = 'bank'", "check: alarms and group_keys go together"),
        ("[folder]\npath = 'logs'\npatterns = ' '", "folder: a path without patterns"),
        ("[kafka]\nservers = 'h:1'", "kafka: servers need a topic"),
        ("[nats]\nurl = 'nats://h:1'", "nats: a url needs a stream"),
        ("[nats]\nurl = 'http://h:1'", "nats.url"),
        ("[oidc]\nissuer = 'https://id.example.org'", "oidc: an issuer needs a client_id"),
        (SINK.replace("https", "htps"), "sinks.0.url"),
        (f"{SINK}form = 'splunk'", "sinks.0: splunk needs a secret"),
        (f"{SINK}link = 'https://desk/cases'", "sinks.0: link needs https:// and {case} in it"),
        (f"{SINK}effects = ['burn']", "sinks.0.effects.0: input should be 'dismiss'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(tmp_path: Path, section: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        open_node(with_settings(tmp_path / "node", section))


def test_a_new_node_has_nothing_wrong(tmp_path: Path) -> None:
    init_node(tmp_path / "node")
    node = open_node(tmp_path / "node")
    look_over(node)
    node.close()


@pytest.mark.parametrize("secret", ["whsec_bm90LWEtc2VjcmV0LWJ1dC1tYXliZQ==", "Bearer abcdef"])
def test_a_secret_in_the_place_of_its_file_is_not_repeated(tmp_path: Path, secret: str) -> None:
    folder = with_settings(tmp_path / "node", f"{SINK}secret = '{secret}'")
    node = open_node(folder)
    with pytest.raises(ConfigError) as told:
        look_over(node)
    node.close()
    assert secret not in str(told.value) + told.value.hint


def test_the_command_ends_as_for_wrong_settings_before_a_port_is_open(tmp_path: Path) -> None:
    folder = with_settings(tmp_path / "node", "[check]\npolicy = 'p.yaml'")
    (folder / "p.yaml").write_text(CLAUSE % "kinds: [M99]")
    done = run("serve", folder, "--port", "0", code=ConfigError.exit_code)
    assert done.stdout == "" and "check.policy = 'p.yaml'" in done.stderr and "'M99'" in done.stderr
    assert not (folder / "serving").exists()


def exported() -> list[str]:
    return list(tocsin.node.__all__)


@pytest.mark.parametrize("name", exported())
def test_what_the_room_exports_is_there(name: str) -> None:
    loaded: Callable[..., object] = getattr(tocsin.node, name)
    assert loaded is not None and set(tocsin.node._WHERE) == set(tocsin.node.__all__)
