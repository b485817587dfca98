"""Write docs/cli.md from the commands' own help, or check with --check that it is current."""

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs/cli.md"
SEALED = (
    "agreement",
    "ending",
    "alarm",
    "retraction",
    "sighting",
    "opinion",
    "receipt",
    "inquiry",
    "answer",
    "cover",
    "cadence",
    "batch",
)
COMMANDS = (
    (),
    ("demo",),
    ("screen",),
    ("cases",),
    ("report",),
    ("check",),
    ("train",),
    ("evaluate",),
    ("exercise",),
    ("exercise", "run"),
    ("exercise", "sensitivity"),
    ("exercise", "show"),
    ("exercise", "check"),
    ("fingerprint",),
    ("fingerprint", "build"),
    ("fingerprint", "add"),
    ("fingerprint", "remove"),
    ("fingerprint", "info"),
    ("fingerprint", "check"),
    ("standard",),
    ("standard", "list"),
    ("standard", "show"),
    ("standard", "check"),
    ("standard", "lint"),
    ("standard", "diff"),
    ("key",),
    ("key", "new"),
    ("key", "show"),
    ("key", "rotate"),
    ("log",),
    ("log", "init"),
    ("log", "append"),
    ("log", "checkpoint"),
    ("log", "prove"),
    ("log", "recover"),
    ("log", "serve"),
    ("witness",),
    ("witness", "init"),
    ("witness", "add-log"),
    ("witness", "add-peer"),
    ("witness", "serve"),
    ("mirror",),
    ("mirror", "init"),
    ("mirror", "add-log"),
    ("mirror", "add-peer"),
    ("mirror", "sync"),
    ("mirror", "serve"),
    ("verify",),
    ("verify", "proof"),
    ("verify", "log"),
    ("verify", "mirror"),
    ("verify", "evidence"),
    ("verify", "coalition"),
    ("verify", "exhibit"),
    ("charter",),
    ("charter", "new"),
    ("charter", "sign"),
    ("charter", "show"),
    ("propose",),
    ("vote",),
    ("stamp",),
    ("anchor",),
    ("notice",),
    ("inquire",),
    ("answer",),
    ("freeze",),
    ("publish",),
    ("seal",),
    *(("seal", name) for name in SEALED),
    ("body",),
    ("body", "list"),
    ("body", "show"),
    ("body", "export"),
    ("body", "import"),
    ("body", "forget"),
    ("disclose",),
    ("state",),
    ("node",),
    ("node", "init"),
    ("node", "person"),
    ("node", "person", "add"),
    ("node", "person", "list"),
    ("node", "person", "remove"),
    ("node", "token"),
    ("node", "token", "new"),
    ("node", "token", "list"),
    ("node", "token", "revoke"),
    ("node", "audit"),
    ("node", "secret"),
    ("serve",),
)
HEAD = """# Command reference

Made by `make docs` from each command's `--help`. Data goes to stdout, words to stderr.

| exit code | meaning |
|---|---|
| 0 | done, and true |
| 1 | not true: something was checked and does not hold |
| 2 | usage or configuration |
| 3 | bad bytes: an input is not what its form says, or too many rows were rejected |
| 4 | not reachable: a file or folder cannot be read or written, a server does not answer, a quorum is not there |
| 5 | not allowed |
| 130 | interrupted |
"""


def help_of(command: tuple[str, ...]) -> str:
    env = os.environ | {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    call = [str(Path(sys.executable).with_name("tocsin")), *command, "--help"]
    return subprocess.run(call, env=env, check=True, capture_output=True, text=True).stdout.rstrip()


def main() -> int:
    sections = (f"## {' '.join(('tocsin', *c))}\n\n```\n{help_of(c)}\n```\n" for c in COMMANDS)
    text = "\n".join([HEAD, *sections])
    if "--check" in sys.argv:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
