"""Settings of librdkafka that a node's owner adds in a file of their own."""

from pathlib import Path

from tocsin.forms import ConfigError, TransportError


def read_options(path: Path | None) -> dict[str, str]:
    """Read further settings of librdkafka, a line `name=value` each; # begins a remark.

    Errors: TransportError where the file cannot be read; ConfigError where a line is none.
    """
    if path is None:
        return {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TransportError(f"the options {path.name!r} cannot be read", hint="check kafka.options") from error
    pairs = [line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not all(equals for _, equals, _ in pairs):
        raise ConfigError(f"{path.name!r} has a line that is not name=value", hint="see librdkafka's CONFIGURATION.md")
    return {name.strip(): value.strip() for name, _, value in pairs}
