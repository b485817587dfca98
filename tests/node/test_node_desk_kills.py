"""Decisions are made and delivered while server and worker are killed at random: none is lost or doubled."""

import json
import random
from pathlib import Path
from threading import Event

import pytest
from deciding import Deciding
from node_processes import Servers
from node_service import Service, slices

from tocsin.traffic.sample import build_sample

pytestmark = pytest.mark.minutes
KILLS = 10


def test_no_webhook_is_lost_and_decisions_are_intact_across_kills(tmp_path: Path, servers: Servers) -> None:
    chance = random.Random(5)
    service = Service(tmp_path / "node", servers)
    deciding = Deciding(service, 5)
    service.start()
    lines = [json.dumps(event, ensure_ascii=False) for event in build_sample().events]
    for some in slices(lines, 2000):
        service.send_surely(some)
    service.settled()
    cases = [case["case_id"] for case in service.cases()][:60]
    deciding.begin(cases)
    for n in range(KILLS):
        while len(deciding.done) < n * len(cases) // KILLS:
            Event().wait(0.01)
        service.kill(chance.choice(("serve", "work")))
    deciding.check()
