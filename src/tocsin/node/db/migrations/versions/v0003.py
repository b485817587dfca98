"""What the desk keeps: acts, a chained audit trail, an outbox in order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Bring the tables forward; nothing was ever written to the three that are made anew."""
    for name in ("decisions", "audit", "outbox"):
        op.drop_table(name)
    _make_acts()
    _make_audit()
    _make_outbox()
    op.add_column("tokens", sa.Column("start", sa.String(length=20), server_default="", nullable=False))
    op.create_index(op.f("ix_tokens_person"), "tokens", ["person"], unique=False)
    op.drop_index(op.f("ix_cases_status_weight"), table_name="cases")
    op.add_column("cases", sa.Column("urgency", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("cases", sa.Column("effect", sa.String(length=20), nullable=True))
    op.drop_column("cases", "decision")
    op.create_index(op.f("ix_cases_urgency_weight_case_id"), "cases", ["urgency", "weight", "case_id"], unique=False)


def _make_acts() -> None:
    op.create_table(
        "acts",
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("sort", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("is_person", sa.Boolean(), nullable=False),
        sa.Column("effect", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("speaks_of", sa.Integer(), nullable=True),
        sa.Column("takes", sa.SmallInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "number", name=op.f("pk_acts")),
    )
    op.create_index(op.f("ix_acts_time"), "acts", ["time"], unique=False)


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("chain", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"], unique=False)
    op.create_index(op.f("ix_audit_time"), "audit", ["time"], unique=False)


def _make_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("sink", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_state_sink_subject_id"), "outbox", ["state", "sink", "subject", "id"], unique=False)
