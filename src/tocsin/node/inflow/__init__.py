"""Where events come from when nobody sends them: a followed folder, a Kafka topic, a NATS stream."""
