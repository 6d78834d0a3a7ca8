"""Migrations, configured in code so that an installed package can migrate without an alembic.ini."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

_POSTGRES_LOCK = 0x6C697170617373  # any number, always the same: two upgrades at once run one after another


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up to `revision` in one transaction."""
    with engine.begin() as connection:
        _claim(connection)
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema down to `revision` (`base`: no tables). Data in dropped tables is lost."""
    with engine.begin() as connection:
        _claim(connection)
        command.downgrade(_config(connection), revision)


def current(engine: Engine) -> str | None:
    """Revision of this database, None where nothing was ever migrated."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _claim(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})")
        connection.exec_driver_sql(
            "SET LOCAL statement_timeout = 0"
        )  # an index on a large book takes its time


def head() -> str:
    """Newest revision that this package knows."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    revision = ScriptDirectory.from_config(config).get_current_head()
    if revision is None:
        raise RuntimeError("the package carries no migrations")
    return revision
