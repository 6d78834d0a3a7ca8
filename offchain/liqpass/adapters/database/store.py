"""One transaction over all rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from liqpass.adapters.database.audit_log import AuditRows
from liqpass.adapters.database.batch_rows import BatchRows
from liqpass.adapters.database.claim_rows import ClaimRows
from liqpass.adapters.database.control_rows import ControlRows
from liqpass.adapters.database.engine import DatabaseError
from liqpass.adapters.database.order_rows import OrderRows
from liqpass.adapters.database.overview_rows import OverviewRows
from liqpass.adapters.database.payment_rows import PaymentRows
from liqpass.adapters.database.session_rows import SessionRows


class SchemaError(DatabaseError):
    """The database's schema is not this package's: run `liqpass db upgrade`."""


class Unit:
    """All rows inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.audit = AuditRows(connection)
        self.orders = OrderRows(connection, self.audit)
        self.claims = ClaimRows(connection, self.audit)
        self.batches = BatchRows(connection, self.audit)
        self.payments = PaymentRows(connection, self.audit)
        self.controls = ControlRows(connection, self.audit)
        self.sessions = SessionRows(connection, self.audit)
        self.figures = OverviewRows(connection)


class SqlStore:
    """Opens transactions; whatever raises inside leaves nothing behind."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """A transaction that may change rows; writers run one after another."""
        with self._engine.begin() as connection:
            unit = Unit(connection)
            unit.audit.lock()
            yield unit

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """A transaction for reading one consistent state."""
        with self._engine.connect().execution_options(liqpass_read_only=True) as connection:
            yield Unit(connection)

    def check_schema(self) -> None:
        """Raise SchemaError unless the database is at this package's revision."""
        # alembic is a tenth of what a command imports that keeps no book.
        from liqpass.adapters.database.migrate import current, head  # noqa: PLC0415

        found, wanted = current(self._engine), head()
        if found != wanted:
            raise SchemaError(
                f"schema is at {found or 'nothing'}, this version needs {wanted}: run `liqpass db upgrade`"
            )
