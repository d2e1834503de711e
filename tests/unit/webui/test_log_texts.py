"""What the script that follows a log says."""

from __future__ import annotations

import re

from webui.log_texts import log_texts
from webui.storage import OWN_STATIC


def test_the_script_has_a_text_for_everything_that_it_says() -> None:
    script = (OWN_STATIC / "webui" / "live_log.js").read_text()
    asked = set(re.findall(r"\btexts\.(\w+)", script)) | set(re.findall(r'\b(?:say|finish)\("(\w+)"\)', script))
    asked |= set(re.findall(r'say\(paused \? "(\w+)" : "(\w+)"\)', script)[0])
    assert asked == set(log_texts())
