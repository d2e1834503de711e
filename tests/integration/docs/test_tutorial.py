"""The tutorial for authors of scripts, followed step by step: each message that it quotes comes."""

from __future__ import annotations

import pytest

from tests.integration.docs.checkout import Checkout, free_display
from tests.unit.docs.pages import SCRIPTS, Block, blocks, commands

CHAPTER = "From a failing stub to a desktop"
FAILURES = ("error ", "CommandError")
"""What an answer holds when the command has to end with 1."""


def write(checkout: Checkout, block: Block) -> None:
    """Makes the file that a sample is."""
    folder = checkout.path / "my_site"
    folder.mkdir(exist_ok=True)
    if block.language == "json":
        # A display that nobody has here.
        assert block.text.count('"display_base": 70') == 1
        text = block.text.replace('"display_base": 70', f'"display_base": {free_display()}')
        (folder / "sessions.json").write_text(text)
        return
    name = block.text.splitlines()[0].removeprefix("# my_site/")
    (folder / name).write_text(block.text)


def test_each_step_gets_the_answer_that_the_page_shows(own_checkout: Checkout) -> None:
    answers, output, codes = 0, "", set[int]()
    for block in [block for block in blocks(SCRIPTS) if block.section == CHAPTER]:
        if block.language in ("json", "python"):
            write(own_checkout, block)
        elif block.language == "console":
            typed = [own_checkout.run(command.text) for command in commands(block)]
            output = own_checkout.as_written("".join(one.stdout for one in typed))
            codes = {one.returncode for one in typed}
        else:
            assert [line for line in block.text.splitlines() if line not in output] == [], f"{block}: {output}"
            assert codes == {int(any(failure in block.text for failure in FAILURES))}, f"{block}: {output}"
            answers += 1
    assert answers == 7


def test_the_log_says_what_the_page_says_of_the_mistake(own_checkout: Checkout) -> None:
    steps = [block for block in blocks(SCRIPTS) if block.section == CHAPTER]
    (wrong,) = [block for block in steps if '"large"' in block.text and block.language == "python"]
    for block in (next(block for block in steps if block.language == "json"), wrong):
        write(own_checkout, block)
    own_checkout.run("REMOTE_SERVICE_CONFIG=my_site/sessions.json .venv/bin/python manage.py try_session Board")
    (log,) = (own_checkout.site.state / "logs" / "sessions").iterdir()
    assert '"Invalid geometry large"' in SCRIPTS.read_text()
    assert "Invalid geometry large\n" in log.read_text()


QUOTED = {
    "None": "start() returned None.",
    "False": "start() returned False.",
    'raise OSError("no licence")': "start() raised OSError: no licence.",
    "sys.exit(3)": "start() left by sys.exit(3).",
    "os._exit(3)": "The script ended its process: exit status 3.",
    "time.sleep(60)": "start() had not returned after 1 s.",
    "True": "start() succeeded, but never called set_host_port() or a sibling of it.",
    'self.set_host_port("127.0.0.1", 9)': "Nothing listened at tcp:127.0.0.1:9 in time.",
    'self.run("ls -l")': "start() raised TypeError: run() got 'ls -l'; expected the command as a list of texts",
}
"""What `start` does, and what becomes of the session; the page has the same sentence, with other numbers in it."""


@pytest.mark.parametrize("body", QUOTED)
def test_a_start_that_fails_is_told_as_the_page_says(body: str, own_checkout: Checkout) -> None:
    site = own_checkout.site
    statement = body if body.startswith("raise") else f"return {body}"
    if "self.set_host_port" in body:
        statement = f"{body}\n        return True"
    (site.scripts / "failing.py").write_text(
        "import os, sys, time\n"
        "from remote_service import RemoteServiceScript\n\n\n"
        "class Failing(RemoteServiceScript):\n"
        f"    def start(self, token, timestamp=None, options=None):\n        {statement}\n\n"
        "    def stop(self):\n        return True\n\n\n"
        'def realize_service(name="", count=1, index=0, common_options=None):\n'
        "    return Failing(name, count=count, index=index, common_options=common_options)\n"
    )
    site.write_sessions({"F": {"script": "failing.py", "count": 1, "options": {}, "limits": {"start_timeout": 1}}})
    told = own_checkout.run(".venv/bin/python manage.py try_session F")
    assert told.returncode == 1
    assert QUOTED[body] in told.stdout
    on_the_page = QUOTED[body].replace("None", "False").replace("after 1 s", "after 60 s").replace(":9 ", ":5901 ")
    assert on_the_page in SCRIPTS.read_text()
