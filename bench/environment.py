"""Throw-away environments for peers, so that none of them is ever a dependency."""

import shutil
import subprocess
import sys
from pathlib import Path


def install(venv: Path, wanted: Path) -> Path:
    """Make a throw-away environment with the pinned peers; return its Python."""
    python, installed = venv / "bin" / "python", venv / "installed.txt"
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(wanted)], check=True)
        shutil.copyfile(wanted, installed)
    return python
