"""The example that docs/concepts.md carries through gives what the page says."""

import copy
import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tocsin.cases import build_cases
from tocsin.screen import Tally, judge_behaviour, rule_detector, screen_batch
from tocsin.standard import load_standard, reference_pack
from tocsin.traffic import SeenIds, pull

Row = dict[str, Any]

PAGE = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text(encoding="utf-8")
FLAT = re.sub(r"\s*\n(?:> )?\s*", " ", PAGE)


def first_call() -> dict[str, Any]:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    call: dict[str, Any] = json.loads(re.sub(r"\s+", " ", shown))
    return call


def another(number: int, row: list[str]) -> dict[str, Any]:
    """Write the first call anew, as the page's table says."""
    name, account, device, time, courier, parcel, hours = row
    call = copy.deepcopy(first_call())
    text = call["request"]["messages"][0]["content"]
    text = text.replace("Quillpost", courier).replace("4821", parcel).replace("12 hours", f"{hours} hours")
    call["request"]["messages"][0]["content"] = text
    created = datetime.fromisoformat(f"2026-11-03T{time}:05+00:00").timestamp()
    ids = {"id": name, "user": account, "device": device, "created": int(created), "session_id": f"s-{number}"}
    return call | ids


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], list[Row]]:
    """Screen the calls of the page, with `re` alone; return the findings and the cases."""
    folder = tmp_path_factory.mktemp("concepts")
    lines = re.findall(r"^\| `call-4[2-6]` .*$", PAGE, re.MULTILINE)
    rows = [[cell.strip("` ") for cell in line.strip("|").split("|")] for line in lines]
    calls = [first_call(), *(another(n, row) for n, row in enumerate(rows, start=4))]
    logs = folder / "gateway.jsonl"
    logs.write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
    standard = load_standard(prove=False)
    with SeenIds(folder) as seen:
        (pulled,) = pull([str(logs)], seen=seen)
    one = screen_batch(pulled.traffic, rule_detector(standard, reference_pack(standard)))
    tally = Tally()
    tally.add(one.activity)
    found, activity = judge_behaviour(tally.whole(), one.sketches, one.findings, standard.version)
    findings = pa.concat_tables([one.findings, found])
    cases = build_cases(findings, activity, standard, today=date.max)
    assert (pulled.rejects, pulled.traffic.num_rows, len(cases)) == ((), 12, 6)
    return findings.to_pylist(), cases.to_pylist()


def test_the_findings_of_the_first_account_are_those_of_the_page(judged: tuple[list[Row], list[Row]]) -> None:
    found = [f for f in judged[0] if f["account"] == "acct-17"]
    rule, template = found
    assert f"`{rule['event_id']}` | {rule['detector']} | {rule['rule']} | {rule['kind']} | {rule['severity']} |" in PAGE
    place = f"| {rule['score']:.1f} | {rule['span_start']}–{rule['span_end']} |"
    (excerpt,) = re.findall(rf"{re.escape(place)} `(.+?) ?…` \|", PAGE)
    assert rule["evidence"].startswith(excerpt)
    about = f"| `{template['event_id']}` | acct-17 | template | {template['kind']} | {template['severity']} |"
    assert f"{about} {template['score']:.2f} | `{template['evidence']}` |" in PAGE


def test_its_case_and_campaign_are_those_of_the_page(judged: tuple[list[Row], list[Row]]) -> None:
    (case,) = [c for c in judged[1] if c["accounts"] == ["acct-17"]]
    assert f"`{case['case_id']}`, of severity {case['severity']} and strength {case['strength']:.2f}" in FLAT
    assert f"`{case['campaign_id']}`" in PAGE
    assert case["why_en"] in FLAT
    assert case["why_zh"].replace(" ", "") in FLAT.replace(" ", "")
    assert all(link in PAGE for link in case["links"])
