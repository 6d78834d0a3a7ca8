"""What somebody with the database's own rights does first: take the triggers off the audit log."""

from sqlalchemy import Connection


def drop_audit_triggers(connection: Connection) -> None:
    """Nothing but the hash chain guards the log afterwards."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP TRIGGER audit_refuses_change ON audit")
        return
    for verb in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER audit_refuses_{verb}")
