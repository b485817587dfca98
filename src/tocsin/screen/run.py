"""Judge the behaviour of a whole run, once its parts are merged."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import FINDINGS
from tocsin.screen.behaviour import Behaviour, BehaviourDetector, write_findings
from tocsin.screen.detectors import BEHAVIOUR_DETECTORS
from tocsin.screen.engine import WORTH_NOTING
from tocsin.screen.tally import Activity
from tocsin.screen.templates import find_templates

GRAVE = 3
MISUSE_SHARE = 0.1  # of what an account asked; hints alone speak of one benign text in a hundred


def judge_behaviour(
    activity: Activity,
    sketches: pa.Table,
    findings: pa.Table,
    standard_version: str,
    detectors: Sequence[BehaviourDetector] = BEHAVIOUR_DETECTORS,
) -> tuple[pa.Table, pa.Table]:
    """Return the FINDINGS about accounts, and the ACTIVITY with the rows of the templates that a grave finding names.

    The order of rows does not matter.
    """
    templates = find_templates(sketches, _from_severity(findings, GRAVE, "event_id")["event_id"].combine_chunks())
    behaviour = Behaviour(activity, templates, _kinds(findings, activity.rows))
    tables = [write_findings(d, d.find(behaviour), standard_version) for d in detectors]
    found = pa.concat_tables([FINDINGS.empty_table(), *tables])
    named = {facts.partition(":")[0] for facts in _from_severity(found, GRAVE, "evidence")["evidence"].to_pylist()}
    used = [t.activity() for t in sorted(templates, key=lambda t: t.id) if t.id in named]
    return found, pa.concat_tables([activity.rows, *used])  # `template` is the last of the measures


def _kinds(findings: pa.Table, activity: pa.Table) -> dict[str, str]:
    """Name the gravest kind of each account that rules of severity 2 or more spoke of often, for what it asked."""
    noted = _from_severity(findings, WORTH_NOTING, "account", "event_id", "severity", "kind")
    noted = noted.filter(pc.is_valid(noted["account"])).sort_by([("severity", "descending"), ("kind", "ascending")])
    folds = [("kind", "first"), ("event_id", "count_distinct")]
    of_account = noted.group_by("account", use_threads=False).aggregate(folds)
    asked = activity.filter(pc.equal(activity["measure"], "account"))
    events = asked["events"].take(pc.index_in(of_account["account"], asked["account"].combine_chunks()))
    often = pc.greater_equal(of_account["event_id_count_distinct"], pc.multiply(MISUSE_SHARE, events))
    kept = of_account.filter(often)
    return dict(zip(kept["account"].to_pylist(), kept["kind_first"].to_pylist(), strict=True))


def _from_severity(findings: pa.Table, least: int, *columns: str) -> pa.Table:
    return findings.select(columns).filter(pc.greater_equal(findings["severity"], least))
