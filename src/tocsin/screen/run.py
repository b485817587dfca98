"""Judge the behaviour of a whole run, once its parts are merged."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import FINDINGS
from tocsin.screen.activity import merge_activity
from tocsin.screen.behaviour import Behaviour, BehaviourDetector, write_findings
from tocsin.screen.detectors import BEHAVIOUR_DETECTORS
from tocsin.screen.engine import WORTH_NOTING
from tocsin.screen.templates import find_templates

GRAVE = 3


def judge_behaviour(
    activity: pa.Table,
    sketches: pa.Table,
    findings: pa.Table,
    standard_version: str,
    detectors: Sequence[BehaviourDetector] = BEHAVIOUR_DETECTORS,
) -> tuple[pa.Table, pa.Table]:
    """Return the FINDINGS about accounts, and the ACTIVITY with the rows of the templates that a grave finding names.

    The order of rows does not matter.
    """
    templates = find_templates(sketches)
    behaviour = Behaviour(activity, templates, _kinds(findings))
    tables = [write_findings(d, d.find(behaviour), standard_version) for d in detectors]
    found = pa.concat_tables([FINDINGS.empty_table(), *tables])
    grave = found.filter(pc.greater_equal(found["severity"], GRAVE))
    named = {facts.partition(":")[0] for facts in grave["evidence"].to_pylist()}
    return found, merge_activity([activity, *(t.uses for t in templates if t.id in named)])


def _kinds(findings: pa.Table) -> dict[str, str]:
    grave = findings.filter(pc.and_(pc.greater_equal(findings["severity"], WORTH_NOTING), pc.is_valid(findings["account"])))
    least_last = grave.select(["account", "severity", "kind"]).sort_by([("severity", "ascending"), ("kind", "descending")])
    return dict(zip(least_last["account"].to_pylist(), least_last["kind"].to_pylist(), strict=True))
