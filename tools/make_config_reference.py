"""Write docs/config.md from the settings' own descriptions, or check with --check that it is current."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from tocsin.node.config import NodeConfig, SinkSection

PAGE = Path(__file__).parent.parent / "docs/config.md"
HEAD = """# Settings of a node

`tocsin node init DIR` writes `DIR/tocsin.toml` with every key and what it means; `tocsin serve` reads it as it starts
and refuses what it does not know. Paths are beside the file unless they are absolute. This page is made from the
code: `make docs`.
"""


def page() -> str:
    return "\n".join((HEAD, *_sections()))


def _sections() -> Iterator[str]:
    for name, field in NodeConfig.model_fields.items():
        section: Any = SinkSection if name == "sinks" else field.annotation
        en, _, zh = (section.__doc__ or "").partition(" · ")
        title = f"[[{name}]]" if name == "sinks" else f"[{name}]"
        yield f"## `{title}`\n\n{en.strip()} · {zh.strip()}\n\n| key | default | | |\n|---|---|---|---|"
        yield from (_row(key, one) for key, one in section.model_fields.items())
        yield ""


def _row(key: str, field: Any) -> str:
    default = field.get_default()
    shown = "must be given" if default is PydanticUndefined else f"`{_written(default)}`"
    texts = (field.description, field.json_schema_extra["zh"])
    return f"| `{key}` | {shown} | " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_written(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        return 0 if PAGE.exists() and PAGE.read_text("utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
