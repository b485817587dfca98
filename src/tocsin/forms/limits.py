"""Bounds that hold everywhere; sizes are bytes of UTF-8 unless the name says otherwise."""

TEXT_BYTES = 1 << 20
LINE_BYTES = 8 << 20
ID_BYTES = 512
FIELD_BYTES = 4096
BATCH_ROWS = 16_384
BATCH_TEXT_BYTES = 16 << 20
EVIDENCE_CHARS = 160
JSON_DEPTH = 100
