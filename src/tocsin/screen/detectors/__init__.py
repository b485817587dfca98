"""The detectors, one file each."""

from tocsin.screen.behaviour import BehaviourDetector
from tocsin.screen.detectors.burst import BurstDetector
from tocsin.screen.detectors.coverage import CoverageDetector
from tocsin.screen.detectors.fingerprint import FingerprintDetector
from tocsin.screen.detectors.rules import RuleDetector, rule_detector
from tocsin.screen.detectors.shared import SharedDetector
from tocsin.screen.detectors.template import TemplateDetector

BEHAVIOUR_DETECTORS: tuple[BehaviourDetector, ...] = (
    TemplateDetector(),
    SharedDetector(),
    CoverageDetector(),
    BurstDetector(),
)

__all__ = [
    "BEHAVIOUR_DETECTORS",
    "BurstDetector",
    "CoverageDetector",
    "FingerprintDetector",
    "RuleDetector",
    "SharedDetector",
    "TemplateDetector",
    "rule_detector",
]
