"""Measure the rules on labelled prompts and write docs/quality.md.

Usage: python tools/measure_quality.py [LABELLED_FOLDER] [--check]

The folder, else what TOCSIN_LABELLED names, holds train|dev.en|zh.jsonl.gz, one object a line: id, text, lang, label,
kind, source. The prompts are
written as native JSONL and go through `tocsin screen`, like any traffic. With --check nothing is written; the exit
code says whether the page is stale.
"""

import gzip
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from tocsin.flow import Settings, run_screen

sys.path.insert(0, str(Path(__file__).parent))
from judgement_page import judgement_page

PAGE = Path(__file__).parent.parent / "docs/quality.md"
SPEAKS = 3  # the severity that the bars speak of
KINDS = {
    "cyber": "M01",
    "fraud": "M03, M02",
    "influence": "M04",
    "weapons_cbrn": "M05",
    "violence_extremism": "M06",
    "illegal_goods": "M10",
    "privacy_surveillance": "M08",
    "jailbreak_injection": "M12, M14",
    "hate_harassment": "L-hate",
    "self_harm": "L-selfharm",
    "sexual": "L-sexual",
    "other": "L-other",
}
HEAD = """# Quality of the rules

What the rules of the standard find in labelled prompts, and what they find in harmless ones. Made by
`make quality` (tools/measure_quality.py) from the labelled prompts that tests read at `TOCSIN_LABELLED`; standard
{version}. Each prompt is screened as one user's message by `tocsin screen`.

**Read with care.** The rules were tuned on the `train` part, so `train` flatters them; `dev` shares its sources with
`train`, so it shows fitting, not transfer. `kind` in the data comes from key words and is wrong in 10 to 25 % of
rows. Rules are the first stage only: they speak where the wording is plain, and stay silent rather than guess. The
local kinds (hate, self-harm, sexual, other) have no rules in the shared standard; they are listed so that nothing is
left out of the mean. Kinds M09, M11 and M13 have no labels here: their rules rest on their own examples, and are
**not measured**.
"""


@dataclass
class Tally:
    """Count texts and those on which a rule of severity 3 or more, or any rule, spoke."""

    texts: int = 0
    grave: int = 0
    any: int = 0

    def add(self, severity: int) -> None:
        self.texts += 1
        self.grave += severity >= SPEAKS
        self.any += severity > 0

    @property
    def share(self) -> float:
        return self.grave / self.texts if self.texts else 0.0


@dataclass
class Measured:
    """Hold the tallies of one language and split."""

    benign: Tally = field(default_factory=Tally)
    kinds: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    sources: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    false_rules: Counter[str] = field(default_factory=Counter)

    @property
    def mean_recall(self) -> float:
        """Mean over the sources that hold misuse, as the bar asks."""
        return sum(t.share for t in self.sources.values()) / len(self.sources)


def read_labelled(folder: Path) -> list[dict[str, str]]:
    """Read every labelled prompt of a folder."""
    names = [f"{split}.{lang}.jsonl.gz" for split in ("train", "dev") for lang in ("en", "zh")]
    return [json.loads(line) for name in names for line in gzip.open(folder / name, "rt", encoding="utf-8")]


def measure(rows: list[dict[str, str]]) -> tuple[dict[tuple[str, str], Measured], str]:
    """Screen labelled rows; return the tallies by (split, language) and the standard's version."""
    with tempfile.TemporaryDirectory() as work:
        logs, out = Path(work, "labelled.jsonl"), Path(work, "out")
        logs.write_text("".join(_native(n, row) for n, row in enumerate(rows)), encoding="utf-8")
        outcome = run_screen(Settings((str(logs),), out, max_rejects=0.0), time.perf_counter)
        if outcome.failures:
            raise outcome.failures[0]
        findings = pq.read_table(out / "findings.parquet", columns=["event_id", "rule", "severity"]).to_pylist()
    spoke: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for f in findings:
        if f["rule"]:
            spoke[int(f["event_id"])].append((f["severity"], f["rule"]))
    return _tally(rows, spoke), str(outcome.summary["standard_version"])


def _native(number: int, row: dict[str, str]) -> str:
    event = {
        "id": str(number),
        "time": "2026-01-01T00:00:00Z",
        "account": f"account-{number}",
        "session": f"session-{number}",
        "role": "user",
        "text": row["text"],
    }
    return json.dumps(event, ensure_ascii=False) + "\n"


def _tally(rows: list[dict[str, str]], spoke: dict[int, list[tuple[int, str]]]) -> dict[tuple[str, str], Measured]:
    measured: dict[tuple[str, str], Measured] = defaultdict(Measured)
    for n, row in enumerate(rows):
        m = measured[row["split"], row["lang"]]
        severity = max((s for s, _ in spoke[n]), default=0)
        if row["label"] == "benign":
            m.benign.add(severity)
            m.false_rules.update(rule for s, rule in spoke[n] if s >= SPEAKS)
        else:
            m.kinds[row["kind"]].add(severity)
            m.sources[row["source"]].add(severity)
    return measured


def page(measured: dict[tuple[str, str], Measured], version: str) -> str:
    """Write the page."""
    parts = [HEAD.format(version=version), "## The bars\n", _bars(measured)]
    parts += ["## Recall by kind, rules of severity 3 or more\n", _by(measured, "kinds")]
    parts += ["## Recall by source, rules of severity 3 or more\n", _by(measured, "sources")]
    parts += ["## False findings of severity 3 or more, by rule\n", _false(measured)]
    return "\n".join(parts) + judgement_page()


def _bars(measured: dict[tuple[str, str], Measured]) -> str:
    lines = [
        "| split | language | benign texts | false, severity ≥ 3 | bar | mean recall over sources | bar |",
        "|---|---|---|---|---|---|---|",
    ]
    for (split, lang), m in measured.items():
        false = f"{m.benign.grave} ({m.benign.share:.3%})"
        lines.append(f"| {split} | {lang} | {m.benign.texts} | {false} | ≤ 0.2 % | {m.mean_recall:.1%} | ≥ 10 % |")
    return "\n".join(lines) + "\n"


def _by(measured: dict[tuple[str, str], Measured], what: str) -> str:
    columns = list(measured)
    names = sorted({name for m in measured.values() for name in getattr(m, what)})
    first = "kind in the data | in the standard" if what == "kinds" else "source"
    lines = [
        f"| {first} | {' | '.join(f'{s} {lang}' for s, lang in columns)} |",
        "|---" * (len(columns) + 1 + (what == "kinds")) + "|",
    ]
    for name in names:
        cells = [getattr(measured[c], what).get(name, Tally()) for c in columns]
        shown = [f"{t.grave}/{t.texts} ({t.share:.0%})" if t.texts else "–" for t in cells]
        lines.append(f"| {name} | {KINDS[name] + ' | ' if what == 'kinds' else ''}{' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _false(measured: dict[tuple[str, str], Measured]) -> str:
    lines = ["| rule | findings | where |", "|---|---|---|"]
    for (split, lang), m in measured.items():
        lines += [f"| {rule} | {count} | {split} {lang} |" for rule, count in sorted(m.false_rules.items())]
    return "\n".join(lines) + "\n"


def main() -> int:
    folders = [a for a in sys.argv[1:] if not a.startswith("--")]
    rows = read_labelled(Path(folders[0] if folders else os.environ.get("TOCSIN_LABELLED", "../shared/data")))
    text = page(*measure(rows))
    if "--check" in sys.argv:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
