"""Take messages from a Kafka topic; offsets are committed only once what was before them is durable here."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tocsin.forms import ConfigError, TransportError
from tocsin.node.inflow.messages import MOST_MESSAGES

_WAIT_S = 0.01
# What a settings file may not change: on these hangs that nothing is lost.
_OURS = {"enable.auto.commit": False, "enable.auto.offset.store": False}
_PASSING = {
    KafkaError._PARTITION_EOF,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._MAX_POLL_EXCEEDED,
}
_PASSING |= {KafkaError.UNKNOWN_TOPIC_OR_PART}


class KafkaTopic:
    """Be one member of a consumer group."""

    def __init__(self, servers: str, topic: str, group: str, options: Mapping[str, str]) -> None:
        """Join; options: further settings of librdkafka, such as those of TLS and SASL.

        Errors: ConfigError where librdkafka refuses a setting.
        """
        self.name = f"kafka {topic}"
        base = {"bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest"}
        quiet = {"log_level": 2, "enable.partition.eof": False}
        try:
            self._consumer = Consumer({**base, **quiet, **options, **_OURS}, error_cb=lambda _error: None)
        except KafkaException as error:
            raise ConfigError("librdkafka refuses a setting of the topic", hint=str(error.args[0].str())) from None
        self._consumer.subscribe([topic])
        self._next: dict[tuple[str, int], int] = {}
        self._paused: list[TopicPartition] = []

    def fetch(self) -> Sequence[bytes]:
        """Return what librdkafka has at hand."""
        if self._paused:
            self._consumer.resume(self._paused)
            self._paused = []
        try:
            messages = self._consumer.consume(MOST_MESSAGES, timeout=_WAIT_S)
        except KafkaException as error:
            raise _told(error) from None
        return [value for message in messages if (value := self._value(message)) is not None]

    def _value(self, message: Message) -> bytes | None:
        """Return what a message holds, noting its offset; a tombstone holds nothing."""
        problem = message.error()
        if problem is not None:
            if problem.code() in _PASSING:
                return None
            raise TransportError(f"the topic cannot be read: {problem.name()}", hint="check the section [kafka]")
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None and partition is not None and offset is not None
        self._next[topic, partition] = offset + 1
        return message.value()

    def confirm(self) -> None:
        """Commit the offsets of what was fetched; those of a partition that has gone to another member are its own."""
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in self._next.items()]
        self._next = {}
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise _told(error) from None

    def rest(self) -> None:
        """Pause the partitions and keep the membership alive."""
        if not self._paused:
            self._paused = self._consumer.assignment()
            self._consumer.pause(self._paused)
        self._consumer.poll(0)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


def _told(error: KafkaException) -> TransportError:
    problem: KafkaError = error.args[0]
    return TransportError(f"the Kafka cluster refuses: {problem.name()}", hint="check that it runs, and [kafka]")
