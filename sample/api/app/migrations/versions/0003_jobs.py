"""What jobs leave behind: expand only, the release before knows nothing of it."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE jobs (
            job_id        text COLLATE "C" PRIMARY KEY,
            asked_color   text NOT NULL,
            asked_release text NOT NULL,
            color         text NOT NULL,
            release       text NOT NULL,
            runs          integer NOT NULL DEFAULT 1,
            done_at       timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE ticks (
            id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at            timestamptz NOT NULL,
            asked_color   text NOT NULL,
            asked_release text NOT NULL,
            color         text NOT NULL,
            release       text NOT NULL
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE ticks")
    op.execute("DROP TABLE jobs")
