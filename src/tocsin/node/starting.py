"""Look over all that the settings name before anything starts; a file that is wrong is named with its key."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from tocsin.cases import check_names
from tocsin.forms import ConfigError, TocsinError
from tocsin.node.checks import read_bank, read_policy
from tocsin.node.home import SETTINGS
from tocsin.node.inflow.options import read_options
from tocsin.node.jobs.casing import read_allowances
from tocsin.node.jobs.delivering import secrets_of
from tocsin.node.keys import secret_lines
from tocsin.node.node import Node
from tocsin.node.sinks import read_secret
from tocsin.standard import load_standard


def look_over(node: Node) -> None:
    """Read what the settings name: standard, policy, lists, keys, banks, secrets and options.

    Errors: ConfigError names the first key whose value is not what it should be.
    """
    _look_over_rules(node)
    _look_over_sources(node)
    _look_over_secrets(node)


def _look_over_rules(node: Node) -> None:
    screening, check, path = node.config.screening, node.config.check, node.home.path
    with _named("screening.standard", screening.standard):
        standard = load_standard(path(screening.standard), prove=False)
    with _named("screening.allow", screening.allow):
        read_allowances(node)
    with _named("check.policy", check.policy):
        check_names(read_policy(path(check.policy)), standard.names, standard.by_id)
    with _named("check.alarms", check.alarms):
        read_bank(node.home, check)


def _look_over_sources(node: Node) -> None:
    c, path = node.config, node.home.path
    folder = path(c.folder.path)
    with _named("folder.path", c.folder.path):
        if folder and not folder.is_dir():
            raise ConfigError("there is no such folder", hint="make it, or correct the path")
    if c.kafka.servers:
        with _named("kafka.options", c.kafka.options):
            read_options(path(c.kafka.options))
    if c.nats.url:
        with _named("nats.credentials", c.nats.credentials):
            if (credentials := path(c.nats.credentials)) and not credentials.is_file():
                raise ConfigError("there is no such file", hint="correct the path")


def _look_over_secrets(node: Node) -> None:
    """Read secrets; a name of such a file is not repeated, for it may be the secret itself."""
    oidc = node.config.oidc
    if oidc.issuer and find_spec("jwt") is None:
        raise ConfigError("log-in with an identity provider needs PyJWT", hint="pip install 'tocsin[oidc]'")
    if oidc.issuer and oidc.secret:
        with _named("oidc.secret"):
            secret_lines(node.home.folder, oidc.secret, "oidc.secret")
    for number, sink in enumerate(node.config.sinks):
        with _named(f"sinks.{number}.secret"):
            for secret in secrets_of(node, sink):
                if sink.form == "webhook":
                    read_secret(secret)


@contextmanager
def _named(key: str, value: str = "") -> Iterator[None]:
    """Say of what is wrong which key named it."""
    try:
        yield
    except TocsinError as error:
        given = f" = {value!r}" if value else ""
        raise ConfigError(f"{SETTINGS}: {key}{given}: {error}", hint=error.hint) from error
