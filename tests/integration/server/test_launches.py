"""Many at once: launches, and clients that race for few slots."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.integration.live import Answer
from tests.integration.server.marked_site import MarkedSite
from tests.waiting import eventually

PATTERN = "Pattern"
MANY = 50


def test_fifty_launches_at_once_all_succeed(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("test_pattern.py", MANY)})
    site.start()

    with ThreadPoolExecutor(MANY) as threads:
        runs = list(threads.map(lambda _: site.run_session(PATTERN)[0], range(MANY)))

    assert sorted(run.index for run in runs) == list(range(MANY))
    assert {row.state for row in site.rows()} == {"running"}
    assert site.free_slots(PATTERN) == 0


def test_twenty_clients_that_race_for_three_slots_get_three_sessions(site: MarkedSite) -> None:
    site.write_sessions({PATTERN: site.entry("test_pattern.py", 3)})
    site.start()

    def reserve(_: int) -> Answer:
        return site.rest(f"/v1/reserve/{PATTERN}")

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(reserve, range(20)))

    won = [answer.body for answer in answers if answer.status == 200]
    lost = [answer for answer in answers if answer.status != 200]
    assert sorted(body["index"] for body in won) == [0, 1, 2]
    sentence = f"All 3 slots of '{PATTERN}' are in use. Try again when somebody has finished."
    assert lost == [Answer(409, {"error": "no_free_slot", "message": sentence})] * 17
    for body in won:
        site.rest(f"/v1/release/{body['token']}")
    eventually(lambda: site.free_slots(PATTERN) == 3)
