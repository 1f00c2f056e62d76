"""Items.

client_id sorts by bytes (COLLATE "C"), so that its index serves "begins with".
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE items (
            id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            client_id  text COLLATE "C" NOT NULL,
            name       text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX items_client_id ON items (client_id)")


def downgrade() -> None:
    op.execute("DROP TABLE items")
