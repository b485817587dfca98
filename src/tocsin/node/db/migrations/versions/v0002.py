"""Parcels that cannot be screened are given up after some tries; parts are joined."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Bring the tables forward."""
    op.add_column("parcels", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.add_column("parcels", sa.Column("problem", sa.String(length=200), nullable=True))
    op.create_index(op.f("ix_parcels_part"), "parcels", ["part"], unique=False)
