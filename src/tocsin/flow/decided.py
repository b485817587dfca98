"""Reviewed cases as labels: the events that findings of a decided case speak of, from the logs that the run read.

A label comes from the *reason* of a decision, which says whether the findings were right, never from its effect: who
was only warned may have done what the findings say, and who was let go for want of evidence may have too.
"""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.cases import case_id_of
from tocsin.flow.finished import read_table
from tocsin.flow.training import lines_of
from tocsin.forms import FormatError
from tocsin.screen.classifier import KINDS, Row, languages
from tocsin.text import fold_batch
from tocsin.traffic import SeenIds, pull

MISUSE = ("confirmed", "repeated", "coordinated")
BENIGN = ("benign", "unfounded")
UNSAID = ("legal-duty", "too-little", "appeal-upheld", "appeal-rejected", "mistake")  # nothing is said of the findings
LEAST_SEVERITY = 2
EVENTS_A_CASE = 20  # the first ones: who wrote much does not decide alone what is learned
PARTS = 9  # sources that decided cases are dealt to; those of a campaign stay together, and so does a text
_LABELS = {kind: label for label, kind in KINDS.items()} | {"M02": "fraud", "M14": "jailbreak_injection"}
Finding = dict[str, Any]


class Told(msgspec.Struct, frozen=True):
    """One line of a file of decisions; the last one about a case counts."""

    case_id: str
    reason: str


@dataclass
class Decided:
    """Hold labelled rows, and count what gave none and why."""

    rows: list[Row] = field(default_factory=list)
    cases: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def read_decisions(path: Path) -> dict[str, str]:
    """Read the reason that stands for each case. Errors: TransportError for the file, FormatError for its lines."""
    reasons: dict[str, str] = {}
    for number, line in enumerate(lines_of(path), start=1):
        if line.strip():
            told = _parsed(line, f"{path.name!r} line {number}")
            reasons[told.case_id] = told.reason
    return reasons


def _parsed(line: bytes, place: str) -> Told:
    try:
        told = msgspec.json.decode(line, type=Told)
    except msgspec.DecodeError as error:
        raise FormatError(f"{place}: {error}", hint='a line is {"case_id": "C-…", "reason": "confirmed"}') from error
    if told.reason not in MISUSE + BENIGN + UNSAID:
        raise FormatError(f"{place}: no reason is called {told.reason!r}", hint=f"use {', '.join(MISUSE + BENIGN)}")
    return told


def decided_rows(reasons: Mapping[str, str], run: Path, logs: Sequence[str]) -> Decided:
    """Label the events of decided cases of a run, whose texts are in `logs`, as the run read them.

    Errors: TransportError, FormatError where the run or the logs cannot be read.
    """
    found = Decided()
    campaign = {c["case_id"]: c["campaign_id"] for c in read_table(run, "cases.parquet").to_pylist()}
    known = {case for case in reasons if case in campaign}
    found.left_out["cases that the run lacks"] = len(reasons) - len(known)
    said = {case for case in known if reasons[case] not in UNSAID}
    found.left_out["cases whose reason says nothing of the findings"] = len(known) - len(said)
    found.cases = len(said)
    spoken = _spoken(read_table(run, "findings.parquet"), said)
    texts = _texts(logs, {f["event_id"] for findings in spoken.values() for f in findings})
    for case in sorted(said):
        part = f"decided-{crc32((campaign[case] or case).encode()) % PARTS}"
        for finding in spoken[case]:
            _label(found, finding, texts.get(finding["event_id"]), reasons[case] in MISUSE, part)
    return found


def _spoken(findings: pa.Table, cases: set[str]) -> dict[str, list[Finding]]:
    """Find the gravest finding about each event of each case, the first events of each."""
    telling = findings.filter(
        pc.and_(pc.is_valid(findings["event_id"]), pc.greater_equal(findings["severity"], LEAST_SEVERITY))
    ).select(["event_id", "account", "session", "time", "kind", "severity", "score"])
    gravest: dict[str, dict[str, Finding]] = defaultdict(dict)
    for row in telling.to_pylist():
        case = case_id_of(row)
        if case in cases:
            held = gravest[case].setdefault(row["event_id"], row)
            gravest[case][row["event_id"]] = max(held, row, key=_weight)
    ordered = {case: sorted(of.values(), key=lambda f: (f["time"], f["event_id"])) for case, of in gravest.items()}
    return defaultdict(list, {case: of[:EVENTS_A_CASE] for case, of in ordered.items()})


def _weight(finding: Finding) -> tuple[bool, int, float]:
    return finding["kind"] in _LABELS, finding["severity"], finding["score"]


def _texts(logs: Sequence[str], wanted: set[str]) -> dict[str, tuple[str, str]]:
    """Find the texts of events, and the language that each is judged in."""
    texts: dict[str, tuple[str, str]] = {}
    names = pa.array(sorted(wanted), pa.string())
    with tempfile.TemporaryDirectory() as folder, SeenIds(Path(folder)) as seen:
        for pulled in pull(logs, seen=seen):
            if pulled.failure:
                raise pulled.failure
            batch = pulled.traffic
            some = batch.filter(pc.is_in(batch["event_id"], names))
            langs = languages(fold_batch(some["text"])).tolist()
            told = zip(some["text"].to_pylist(), langs, strict=True)
            texts.update(zip(some["event_id"].to_pylist(), told, strict=True))
    return texts


def _label(found: Decided, finding: Finding, told: tuple[str, str] | None, misuse: bool, part: str) -> None:
    label = _LABELS.get(finding["kind"]) if misuse else "none"
    if told is None:
        found.left_out["events that the logs lack"] += 1
    elif label is None:
        found.left_out[f"events of {finding['kind']}, for which the classifier has no column"] += 1
    else:
        said = "misuse" if misuse else "benign"
        found.rows.append(Row(*told, said, kind=label, source=part, id=finding["event_id"]))
