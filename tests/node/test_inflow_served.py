"""Ways in to a running node: an OpenTelemetry exporter, a folder being written to, NATS, Kafka's mock cluster."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from brokers import NATS, nats_server
from node_processes import Servers
from node_service import Service, _pause
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otlp_bodies import call, export, parts
from test_inflow_brokers import _made, mock_cluster, produce, publish

__all__ = ["mock_cluster"]


@pytest.fixture
def service(tmp_path: Path, servers: Servers) -> Iterator[Service]:
    made = Service(tmp_path / "node", servers)
    yield made
    made.client.close()


def settings(service: Service, section: str, **values: str | float) -> None:
    path = service.folder / "tocsin.toml"
    head, name, tail = path.read_text("utf-8").partition(f"[{section}]")
    for key, value in values.items():
        tail = re.sub(
            rf"^{key} = .*$", lambda _, key=key, value=value: f"{key} = {json.dumps(value)}", tail, count=1, flags=re.M
        )
    path.write_text(head + name + tail, "utf-8")


def until(service: Service, events: int) -> dict[str, Any]:
    for _ in range(120):
        stats = service.get("/v1/stats")
        if stats["events"] + stats["waiting"] >= events:
            return dict(stats)
        _pause()
    raise AssertionError(stats)


@pytest.mark.minutes
def test_an_exporter_of_the_real_sdk_sends_a_growing_conversation(service: Service) -> None:
    service.start()
    until(service, 0)
    exporter = OTLPSpanExporter(
        endpoint=f"{service.client.base_url}/v1/traces".replace("//v1", "/v1"),
        headers={"authorization": f"Bearer {service.token}"},
        compression=Compression.Gzip,
        timeout=60,
    )
    provider = TracerProvider(resource=Resource({"service.name": "desk"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    for asked in range(1, 20, 2):
        with tracer.start_as_current_span("chat m1", attributes=call(asked)):
            pass
    with tracer.start_as_current_span("chat m1", attributes={"gen_ai.operation.name": "chat"}):
        pass
    with tracer.start_as_current_span("GET /", attributes={"http.request.method": "GET"}):
        pass
    assert provider.force_flush()
    stats = until(service, 20)
    assert (stats["events"] + stats["waiting"], stats["uncaptured"], stats["refused"]) == (20, 1, 0)
    with tracer.start_as_current_span("chat m1", attributes=call(19)):
        pass
    provider.shutdown()
    stats = until(service, 20)
    assert stats["events"] + stats["waiting"] == 20


@pytest.mark.minutes
def test_a_full_queue_is_told_to_exporters_and_sources_wait(service: Service, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    settings(service, "server", most_waiting=1000)
    settings(service, "folder", path=str(logs))
    service.start()
    (logs / "a.jsonl").write_text("".join(event(n) for n in range(3000)))
    stats = until(service, 3000)
    assert stats["events"] + stats["waiting"] == 3000, "it waited for room and lost nothing"
    long = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": parts([("user", f"q{n}") for n in range(1001)])}
    answer = service.client.post("/v1/traces", content=export(long), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def event(number: int) -> str:
    line = {"id": f"e{number}", "time": "2025-03-01T12:00:00Z", "account": f"a{number % 7}", "role": "user"}
    return json.dumps(line | {"text": f"an ordinary question {number}"}) + "\n"


@pytest.mark.minutes
def test_a_folder_is_followed_across_kills_and_rotation(service: Service, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    settings(service, "folder", path=str(logs), settle_seconds=0.2)
    service.start()
    log = logs / "gateway.jsonl"
    for round_ in range(3):
        with log.open("a") as file:
            file.write("".join(event(n) for n in range(100 * round_, 100 * round_ + 99)))
            file.write(event(100 * round_ + 99)[:-20])
        until(service, 100 * round_ + 99)
        if round_ == 1:
            service.kill("follow")
        with log.open("a") as file:
            file.write(event(100 * round_ + 99)[-20:])
        if round_ == 0:
            log.rename(logs / "gateway.jsonl.1")
    chat = {"id": "c", "user": "a1", "messages": [{"role": "user", "content": "hi"}], "time": "2025-03-01"}
    (logs / "calls.json").write_text("not JSON\n" + json.dumps(chat))
    stats = until(service, 301)
    assert (stats["events"] + stats["waiting"], stats["refused"]) == (301, 1)


@pytest.mark.minutes
@pytest.mark.skipif(not os.access(NATS, os.X_OK), reason="nats-server is not installed")
def test_nats_and_kafka_bring_events_once_though_the_follower_is_killed(
    service: Service, tmp_path: Path, mock_cluster: tuple[str, Any]
) -> None:
    import asyncio

    servers, producer = mock_cluster
    folder = tmp_path / "nats"
    folder.mkdir()
    with nats_server(folder) as (_, url):
        asyncio.run(_made(url))
        settings(service, "nats", url=url, stream="traffic", subject="traffic.>")
        settings(service, "kafka", servers=servers, topic="served", group="served")
        service.start()
        publish(url, [event(n).encode() for n in range(300)])
        produce(producer, [event(n).encode() for n in range(200, 500)], "served")
        until(service, 500)
        service.kill("follow")
        publish(url, [event(n).encode() for n in range(490, 600)])
        stats = until(service, 600)
        assert stats["events"] + stats["waiting"] == 600
