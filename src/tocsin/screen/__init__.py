"""Screen TRAFFIC: rules on every event, behaviour over a whole run."""

from tocsin.screen.activity import add_counts, count_activity
from tocsin.screen.asked import ASKING, asked_rows
from tocsin.screen.behaviour import Behaviour, BehaviourDetector, write_findings
from tocsin.screen.detectors import BEHAVIOUR_DETECTORS, FingerprintDetector, RuleDetector, rule_detector
from tocsin.screen.engine import Screened, screen_batch
from tocsin.screen.messages import Finding, Heard, Judged, Screens, as_traffic
from tocsin.screen.run import judge_behaviour
from tocsin.screen.tally import Activity, Read, Tally
from tocsin.screen.templates import Template, find_templates, thin_sketches

__all__ = [
    "ASKING",
    "BEHAVIOUR_DETECTORS",
    "Activity",
    "Behaviour",
    "BehaviourDetector",
    "Finding",
    "FingerprintDetector",
    "Heard",
    "Judged",
    "Read",
    "RuleDetector",
    "Screened",
    "Screens",
    "Tally",
    "Template",
    "add_counts",
    "as_traffic",
    "asked_rows",
    "count_activity",
    "find_templates",
    "judge_behaviour",
    "rule_detector",
    "screen_batch",
    "thin_sketches",
    "write_findings",
]
