"""A site in another language: pages speak it, while REST, events and logs stay English."""

from __future__ import annotations

import html
import json
import logging
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from remote_service import details, lifecycle, session_logs, staff
from remote_service.actors import Actor
from remote_service.config.entries import check_entry
from remote_service.config.loader import LoadedType
from remote_service.config.problems import Problem
from remote_service.config.schema import SessionType
from remote_service.config.script_report import ScriptFault, ScriptReport, problem_of_report
from remote_service.config.source import parse_source
from remote_service.models import Drain, Session, SessionEvent, Site
from remote_service.relay.closing import SENTENCES, close_for
from remote_service.states import EndReason, Event, State
from remote_service.texts import joined, sentence
from tests.unit.config.conftest import STEP
from tests.unit.rest.conftest import SECRET
from webui import words
from webui.timeline import timeline
from webui.viewer_texts import viewer_reasons

Visit = Callable[[User], Client]
MakeType = Callable[..., Any]
MakeSession = Callable[..., Session]

CATALOGUE = {
    "Waiting in the queue": "Steht in der Schlange",
    "It could not be started.": "Der Start misslang.",
    "Its last viewer left.": "Der Letzte ging.",
    "%(label)s: found %(found)s; expected %(expected)s.": "%(expected)s erwartet bei %(label)s, nicht %(found)s.",
    "a number from %(low)s to %(high)s": "Zahl zwischen %(low)s und %(high)s",
    "one of %(names)s": "eins aus %(names)s",
    "%(names)s and %(last)s": "%(names)s oder %(last)s",
    "Size": "Breite",
    "There is no option %(name)s; expected %(expected)s.": "Niemand kennt %(name)s, nur %(expected)s.",
    "Did you mean %(name)s?": "Etwa %(name)s?",
    "%(name)r takes no new sessions at the moment.": "%(name)r ist zu.",
    "Launching sessions is switched off at this site at the moment.": "Hier startet nichts.",
    "Please correct what is marked below.": "Bitte unten bessern.",
    "Who opened the websocket may not see this session.": "Fremde sehen nichts.",
    "%(call)s() had not returned after %(seconds)s s.": "%(call)s() braucht mehr als %(seconds)s s.",
    "%(endpoint)s cannot be reached: %(error)s.": "%(error)s, also kein Weg nach %(endpoint)s.",
    "Its screen could not be reached.": "Kein Bild.",
    "It was stopped by staff.": "Das Personal war's.",
    "poll() failed: %(reason)s": "poll() ging schief: %(reason)s",
    "%(call)s() raised %(error)s.": "%(call)s() warf %(error)s.",
    "that its import started %(threads)s (%(names)s)": "%(threads)s vom Laden (%(names)s)",
    "start threads in start()": "erst in start() beginnen",
    "no such key": "kein Schlüssel",
    "add for example %(sample)s": "so etwas: %(sample)s",
    "a whole number from 1 to %(most)s": "ganze Zahl bis %(most)s",
    "at %(place)s": "bei %(place)s",
    "External sessions are off.": "Alles aus.",
    "Switch turned": "Schalter umgelegt",
    "Announced": "Durchgesagt",
    "stop() did not return in time, so nobody knows what it left": "stop() hing",
}  # fmt: skip

COUNTED = {
    (
        "Name of the session: expected at most %(most)d printable character, found %(found)d.",
        "Name of the session: expected at most %(most)d printable characters, found %(found)d.",
    ): ("Der Name hat zu viel.", "Der Name hat zu viel.", "Der Name hat %(found)d Zeichen statt %(most)d."),
    (
        "The only slot of %(name)r is in use. Try again when somebody has finished.",
        "All %(count)d slots of %(name)r are in use. Try again when somebody has finished.",
    ): ("Kein Platz bei %(name)r.", "Beide %(count)d Plätze von %(name)r besetzt.", "%(name)r: alle %(count)d voll."),
    ("%(count)d thread", "%(count)d threads"): ("ein Faden", "zwei Fäden", "%(count)d Fäden"),
    ("%(number)s minute", "%(number)s minutes"): ("eine Minute", "%(number)s Minütchen", "%(number)s Minuten"),
    ("%(count)d type found", "%(count)d types found"): ("eine Art", "%(count)d Ärtchen", "%(count)d Arten"),
    ("This is its last line at most.", "These are its last %(log_lines)s lines at most."):
        ("Eine Zeile.", "Zwei Zeilen.", "Die letzten %(log_lines)s Zeilen."),
}  # fmt: skip
"""With three forms, which no English sentence has: for one, for two and for more."""

HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=3; plural=(n==1 ? 0 : n==2 ? 1 : 2);\n"


@pytest.fixture(autouse=True)
def _german(settings: Any, tmp_path: Path) -> None:
    """The whole process speaks it, not the pages' requests alone."""
    place = tmp_path / "locale" / "de" / "LC_MESSAGES"
    place.mkdir(parents=True)
    plain = [f"msgid {quoted(english)}\nmsgstr {quoted(said)}" for english, said in {"": HEADER, **CATALOGUE}.items()]
    (place / "django.po").write_text("\n\n".join(plain + [entry(*both, forms) for both, forms in COUNTED.items()]))
    subprocess.run(
        ["msgfmt", "--check-format", "--output", str(place / "django.mo"), str(place / "django.po")],
        check=True, timeout=60,
    )  # fmt: skip
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    settings.LANGUAGE_CODE = "de"


def quoted(said: str) -> str:
    """As gettext's files have it."""
    return json.dumps(said, ensure_ascii=False)


def entry(singular: str, plural: str, forms: tuple[str, ...]) -> str:
    """The entry of a sentence that counts."""
    said = "\n".join(f"msgstr[{index}] {quoted(form)}" for index, form in enumerate(forms))
    return f"msgid {quoted(singular)}\nmsgid_plural {quoted(plural)}\n{said}"


def text(response: Any) -> str:
    """The page's text, its tags left out and its blanks joined."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def launched(browser: Client, **posted: str) -> tuple[str, str]:
    """What the picker says when this launch is refused: on top and in all."""
    response = browser.post("/launch/", {"type": "Pattern", **posted})
    found = re.search(r'id="refusal".*?</div>\s*</div>', response.content.decode(), re.DOTALL)
    assert found, text(response)
    return html.unescape(found[0]), text(response)


def noted() -> str:
    """Why the last launch was refused, as the history has it."""
    return SessionEvent.objects.filter(what="refused").latest("id").why


# ---- states and endings -----------------------------------------------------------------------------------


def test_a_card_tells_the_state_and_the_ending(alice: User, visit: Visit, make_session: MakeSession) -> None:
    make_session(alice, State.QUEUED)
    make_session(alice, State.FAILED, end_reason="start_failed", end_detail="No licence.")
    shown = text(visit(alice).get("/"))
    assert "Steht in der Schlange" in shown
    assert "Der Start misslang. No licence." in shown
    assert "could not be started" not in shown


@pytest.mark.parametrize("place", ["", "details/"])
def test_the_page_of_a_session_that_is_over_tells_the_ending(
    place: str, alice: User, visit: Visit, make_session: MakeSession
) -> None:
    session = make_session(alice, State.ENDED, end_reason="last_viewer")
    assert "Der Letzte ging." in text(visit(alice).get(f"/sessions/{session.pk}/{place}"))


def test_the_viewer_is_told_the_ending(alice: User, visit: Visit, make_session: MakeSession) -> None:
    session = make_session(alice, State.STOPPING, end_reason="last_viewer")
    status = visit(alice).get(f"/sessions/{session.pk}/status").json()
    assert status["ending"] == "Der Letzte ging."


def test_the_viewer_knows_what_to_say_for_the_reason_of_a_closed_line(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    assert close_for("last_viewer", "").reason == "Its last viewer left."
    assert viewer_reasons() == {
        english: CATALOGUE[english]
        for english in CATALOGUE
        if english in {str(one) for one in (*SENTENCES, *details.ALL)}
    }
    assert viewer_reasons()["Its last viewer left."] == "Der Letzte ging."
    assert (
        viewer_reasons()["%(endpoint)s cannot be reached: %(error)s."] == "%(error)s, also kein Weg nach %(endpoint)s."
    )
    session = make_session(alice, State.RUNNING)
    page = visit(alice).get(f"/sessions/{session.pk}/").content.decode()
    found = re.search(r'<script id="viewer-reasons" type="application/json">(.*?)</script>', page)
    assert found
    assert json.loads(found[1]) == viewer_reasons()


def test_the_timeline_is_told_and_its_rows_and_the_log_stay_english(
    alice: User, make_session: MakeSession, caplog: pytest.LogCaptureFixture
) -> None:
    session = make_session(alice, State.RUNNING)
    why = "Who opened the websocket may not see this session."
    lifecycle.note(session.pk, "viewer refused", why=why, by=Actor("charlie"))
    lifecycle.ask_to_stop(session.pk, EndReason.LAST_VIEWER, Actor("alice"), "Bye.")
    with caplog.at_level(logging.INFO, logger="remote_service"):
        lifecycle.transition(
            session.pk, State.RUNNING, Event.STOP, why="Its last viewer left. Bye.", end_reason=EndReason.LAST_VIEWER
        )
    assert [one.why for one in timeline(session, addresses=True).happenings] == [
        "Fremde sehen nichts.",
        "Der Letzte ging. Bye.",
        "Der Letzte ging. Bye.",
    ]
    english = "Its last viewer left. Bye."
    assert list(session.events.order_by("id").values_list("why", flat=True)) == [why, english, english]
    assert f"running -> stopping ({english})" in caplog.text


def test_details_with_values_are_told_and_their_rows_stay_english(
    alice: User, visit: Visit, make_session: MakeSession
) -> None:
    late = "start() had not returned after 60 s."
    session = make_session(alice, State.FAILED, end_reason="start_failed", end_detail=late)
    shown = text(visit(alice).get(f"/sessions/{session.pk}/"))
    assert "Der Start misslang. start() braucht mehr als 60 s." in shown
    session.refresh_from_db()
    assert session.ending == f"It could not be started. {late}"


def test_a_detail_that_quotes_another_is_told_with_it(alice: User, visit: Visit, make_session: MakeSession) -> None:
    why = "poll() failed: poll() raised OSError: gone."
    make_session(alice, State.RUNNING, unknown_since=timezone.now(), unknown_reason=why)
    assert "poll() ging schief: poll() warf OSError: gone." in text(visit(alice).get("/"))


def test_what_staff_wrote_stays_as_they_wrote_it(alice: User, visit: Visit, make_session: MakeSession) -> None:
    wrote = "tcp:n1:5900 cannot be reached: no route."
    session = make_session(alice, State.ENDED, end_reason="staff", end_detail=wrote)
    lifecycle.note(session.pk, "declared ended", why=wrote, by=Actor("mona"))
    assert f"Das Personal war's. {wrote}" in text(visit(alice).get("/"))
    assert [one.why for one in timeline(session, addresses=True).happenings] == [wrote]
    assert words.stored_words(f"Its screen could not be reached. {wrote}") == (
        "Kein Bild. no route, also kein Weg nach tcp:n1:5900."
    )


# ---- refusals ---------------------------------------------------------------------------------------------


def test_a_field_is_told_what_is_wrong_with_it(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type(form=[{"name": "cores", "type": "number", "label": "Cores", "min": 1, "max": 64, "unit": "GB"}])
    top, page = launched(visit(alice), **{"field-cores": "99"})
    assert 'Zahl zwischen 1 und 64 GB erwartet bei Cores, nicht "99".' in page
    assert "Bitte unten bessern." in top
    assert noted() == 'invalid_option: Cores: found "99"; expected a number from 1 to 64 GB.'


def test_the_size_and_the_name_are_told_too(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type(options={"sizes": ["1x1", "2x2"]})
    _top, page = launched(visit(alice), size="3x3", **{"session-title": "x" * 81})
    assert 'eins aus "1x1" oder "2x2" erwartet bei Breite, nicht "3x3".' in page
    assert "Der Name hat 81 Zeichen statt 80." in page
    assert noted() == (
        'invalid_option: Size: found "3x3"; expected one of "1x1" and "2x2". '
        "Name of the session: expected at most 80 printable characters, found 81."
    )


def test_what_no_field_can_show_stands_on_top(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type(form=[{"name": "cores", "type": "number", "label": "Cores", "default": 1}])
    top, _page = launched(visit(alice), **{"field-core": "2"})
    assert 'Niemand kennt "core", nur eins aus "size" oder "cores". Etwa "cores"?' in top
    assert noted() == (
        'invalid_option: There is no option "core"; expected one of "size" and "cores". Did you mean "cores"?'
    )


def test_a_launch_without_a_free_slot_is_refused_on_top(
    alice: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=1)
    make_session(alice, index=0)
    top, _page = launched(visit(alice))
    assert "Kein Platz bei 'Pattern'." in top
    assert noted() == (
        "no_free_slot: The only slot of 'Pattern' is in use. Try again when somebody has finished."
    )  # fmt: skip


def test_a_drain_is_told_with_what_staff_wrote(alice: User, visit: Visit, make_type: MakeType) -> None:
    make_type()
    Drain.objects.create(kind="type", name="Pattern", text="New disks.")
    top, _page = launched(visit(alice))
    assert "'Pattern' ist zu. New disks." in top
    assert noted() == "switched_off: 'Pattern' takes no new sessions at the moment. New disks."


def test_rest_its_events_and_its_log_stay_english(
    gateway_settings: Any, make_type: MakeType, caplog: pytest.LogCaptureFixture
) -> None:
    make_type()
    Site.load()
    Site.objects.update(external_sessions_enabled=False)
    with caplog.at_level(logging.DEBUG, logger="remote_service"):
        answer = Client().get("/v1/reserve/Pattern", {"security_token": SECRET}).json()
    assert answer == {
        "error": "switched_off",
        "message": "Launching sessions is switched off at this site at the moment.",
    }
    assert noted() == "switched_off: Launching sessions is switched off at this site at the moment."
    assert "Hier startet nichts" not in caplog.text


def test_a_wrong_option_over_rest_is_told_in_english(gateway_settings: Any, make_type: MakeType) -> None:
    make_type(form=[{"name": "cores", "type": "number", "label": "Cores", "min": 1, "max": 64}])
    answer = Client().get("/v1/reserve/Pattern", {"security_token": SECRET, "cores": "99"}).json()
    assert answer["message"] == 'Cores: found "99"; expected a number from 1 to 64.'


def test_the_form_for_the_number_of_slots_is_taken(
    alice: User, bob: User, visit: Visit, make_type: MakeType, make_session: MakeSession
) -> None:
    make_type(count=2)
    for index in range(2):
        make_session(alice, index=index)
    assert "Beide 2 Plätze von 'Pattern' besetzt." in launched(visit(alice))[0]
    make_type("Wall", count=3)
    for index in range(3):
        make_session(bob, index=index, type_name="Wall")
    assert "'Wall': alle 3 voll." in launched(visit(alice), type="Wall")[0]
    assert noted() == "no_free_slot: All 3 slots of 'Wall' are in use. Try again when somebody has finished."


# ---- the catalogue ----------------------------------------------------------------------------------------


def test_the_dashboard_tells_what_is_wrong_with_the_sessions_file(
    visit: Visit, make_user: Callable[..., User], tmp_path: Path
) -> None:
    source = parse_source(tmp_path / "sessions.json", b'{"Wall": {"script": "wall.py", "options": {}}}')
    ((_type, findings),) = [check_entry(name, raw) for name, raw in source.data.items()]
    problem = findings[0].at("sessions.json", "Wall", findings[0].key, 1)
    Site.objects.create(pk=1, problems=json.loads(json.dumps([problem.as_dict()])), loaded_at=timezone.now())
    shown = text(visit(make_user("mona", is_superuser=True, is_staff=True)).get("/dashboard/catalogue/"))
    assert f'bei "Wall"{STEP}count' in shown
    for said in ("kein Schlüssel", "ganze Zahl bis 10000", 'So etwas: "count": 1.'):
        assert said in shown
    assert str(Problem.from_dict(Site.load().problems[0])) == (
        f'sessions.json:1: at "Wall"{STEP}count: found no such key; expected a whole number from 1 to 10000. '
        'Fix: add for example "count": 1.'
    )


def test_the_dashboard_tells_what_staff_did_and_what_they_wrote_as_they_wrote_it(
    visit: Visit, make_user: Callable[..., User]
) -> None:
    mona = Actor("mona", "", "dashboard")
    staff.set_switch(False, mona)
    lifecycle.note(None, "announced", why="External sessions are off.", by=mona)
    shown = text(visit(make_user("mona", is_superuser=True, is_staff=True)).get("/dashboard/"))
    assert "Durchgesagt External sessions are off. mona" in shown
    assert "Schalter umgelegt Alles aus. mona" in shown
    assert set(SessionEvent.objects.values_list("why", flat=True)) == {"External sessions are off."}


def test_what_is_wrong_with_a_script_is_told_with_its_plural(tmp_path: Path) -> None:
    loaded = LoadedType(SessionType(name="Wall", script="w.py", count=1, options={}), tmp_path / "w.py")
    problem = problem_of_report(ScriptReport(ScriptFault.THREADS, names=("a", "b")), loaded)
    assert problem.found == "that its import started 2 threads (a and b)"
    said = words.problem_words(Problem.from_dict(json.loads(json.dumps(problem.as_dict()))))
    assert (said.found, said.remedy) == ("zwei Fäden vom Laden (a oder b)", "erst in start() beginnen.")


# ---- the browser's language ---------------------------------------------------------------------------------


def test_a_browser_gets_the_language_that_it_asks_for_if_there_is_a_catalogue(
    alice: User, visit: Visit, make_session: MakeSession, settings: Any
) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    make_session(alice, State.QUEUED)
    shown = {
        asked: visit(alice).get("/", headers={"accept-language": asked})
        for asked in ("de-AT,en;q=0.8", "fr,de;q=0.1", "")
    }
    assert ["Steht in der Schlange" in text(page) for page in shown.values()] == [True, True, False]
    assert [page["Content-Language"] for page in shown.values()] == ["de", "de", "en"]
    settings.LANGUAGES = [("en", "English")]
    page = visit(alice).get("/", headers={"accept-language": "de"})
    assert '<html lang="en"' in page.content.decode()
    assert "Waiting in the queue" in text(page)


# ---- words ------------------------------------------------------------------------------------------------


def test_a_sentence_is_translated_with_the_sentences_within_it() -> None:
    said = joined(sentence("Size"), sentence("Did you mean %(name)s?", name=sentence("Size")), "Size")
    assert words.translated(said) == "Breite Etwa Breite? Size"


@pytest.mark.parametrize(("seconds", "said"), [(120, "2 Minütchen"), (900, "15 Minuten")])
def test_a_duration_is_said_in_the_form_for_its_number(seconds: float, said: str) -> None:
    assert words.duration_words(seconds) == said


def test_what_a_search_finds_is_said_in_the_form_for_its_number() -> None:
    assert [words.found_words(count) for count in (1, 2, 3)] == ["eine Art", "2 Ärtchen", "3 Arten"]


def test_how_much_of_a_log_is_shown_is_said_in_the_form_for_its_number(
    alice: User, visit: Visit, make_session: MakeSession, write_log: Callable[..., Any]
) -> None:
    session = make_session(alice, State.ENDED, end_reason="last_viewer")
    write_log(session, "Hello.")
    assert f"Die letzten {session_logs.TAIL_LINES} Zeilen." in text(visit(alice).get(f"/sessions/{session.pk}/"))


def test_a_text_that_is_no_sentence_of_ours_stays_as_it_is() -> None:
    assert words.translated("Size") == "Size"
    assert words.translated(sentence("Nobody translated %(this)s.", this="this")) == "Nobody translated this."
    assert words.stored_words("A script said 100% %(of)s this.") == "A script said 100% %(of)s this."
    assert words.stored_words("Size") == "Size"
    assert words.stored_words("") == ""
