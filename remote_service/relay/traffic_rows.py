"""What viewers were sent and have sent, as it is kept in their rows."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection, transaction

from remote_service.models import Viewer
from remote_service.relay.traffic import Traffic


def write_traffic(traffic: Mapping[int, Traffic]) -> None:
    """Writes what viewers were sent and have sent; one statement for all of them, since there may be hundreds."""
    if not traffic:
        return
    table = connection.ops.quote_name(Viewer._meta.db_table)
    counted = [(t.bytes_down, t.bytes_up, t.messages_down, t.messages_up, key) for key, t in traffic.items()]
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET bytes_down = %s, bytes_up = %s, messages_down = %s, messages_up = %s WHERE id = %s",
            counted,
        )
