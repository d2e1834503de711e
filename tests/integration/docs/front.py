"""nginx with the configuration of the documentation, in front of a server of a test's own."""

from __future__ import annotations

import http.cookiejar
import re
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from websockets.sync.client import ClientConnection, connect

from tests.integration.certificates import self_signed
from tests.integration.docs.checkout import accepts
from tests.integration.serving import free_port
from tests.unit.docs.pages import ROOT
from tests.waiting import eventually

SAMPLE = ROOT / "docs" / "nginx.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/main.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
"""What surrounds a file of /etc/nginx/conf.d, with all paths in one directory."""


class Answer(NamedTuple):
    """Status, headers in small letters, text."""

    status: int
    headers: dict[str, str]
    text: str


class Front:
    """The proxy, and a browser that comes by it."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        """Writes the configuration.

        Args:
            folder: for its files; the socket of the server is `gateway.sock` there.
            prefix: the path below which it serves the site, such as "/desktops".
        """
        self.folder = folder
        self.prefix = prefix
        self.socket = folder / "gateway.sock"
        self.plain_port, self.port = free_port(), free_port()
        self.certificate, key = self_signed(folder)
        changes = {
            "/run/remote-session/gateway.sock;": f"{self.socket};",
            "/etc/ssl/certs/desk.example.org.pem": str(self.certificate),
            "/etc/ssl/private/desk.example.org.key": str(key),
            "/var/log/nginx/": f"{folder}/",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "    location / {": f"    location {prefix}/ {{",
        }
        text = SAMPLE.read_text()
        for old, new in changes.items():
            assert old in text, f"{SAMPLE.name} has no {old!r}"
            text = text.replace(old, new)
        (folder / "site.conf").write_text(text)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        self._tls = ssl.create_default_context(cafile=str(self.certificate))
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._tls),
            urllib.request.HTTPCookieProcessor(self.cookies),
            _NoRedirect(),
        )

    @property
    def origin(self) -> str:
        """As the browser says it."""
        return f"https://127.0.0.1:{self.port}"

    def command(self, *options: str) -> list[str]:
        """nginx' command line."""
        assert NGINX is not None, "nginx is not installed; 'make test' installs the package nginx-light"
        return [NGINX, *options, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    @contextmanager
    def running(self) -> Iterator[None]:
        """nginx, until the end of the block."""
        with (self.folder / "nginx.out").open("wb") as output:
            process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            eventually(lambda: process.poll() is not None or accepts(self.port), within=10)
            assert process.poll() is None, (self.folder / "nginx.out").read_text()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)

    def get(self, path: str, **headers: str) -> Answer:
        """Asks for a page of the site; redirects are not followed."""
        return self._ask(urllib.request.Request(f"{self.origin}{self.prefix}{path}", headers=headers))

    def get_plain(self, path: str) -> Answer:
        """The same without TLS."""
        return self._ask(urllib.request.Request(f"http://127.0.0.1:{self.plain_port}{self.prefix}{path}"))

    def post(self, path: str, **fields: str) -> Answer:
        """Submits a form as a browser does, with the token of the page that was shown last."""
        data = urllib.parse.urlencode(fields).encode()
        headers = {"Origin": self.origin, "Referer": f"{self.origin}{self.prefix}/"}
        return self._ask(urllib.request.Request(f"{self.origin}{self.prefix}{path}", data=data, headers=headers))

    def log_in(self, name: str, password: str) -> Answer:
        """Fills the login page in."""
        page = self.get("/login/")
        return self.post("/login/", username=name, password=password, csrfmiddlewaretoken=csrf_token(page.text))

    def open(self, path: str, *, with_cookies: bool = False) -> ClientConnection:
        """Opens a websocket, with the browser's cookies and Origin or without."""
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)
        return connect(
            f"wss://127.0.0.1:{self.port}{self.prefix}{path}",
            ssl=self._tls, compression=None, max_size=None, open_timeout=20, close_timeout=1,
            origin=self.origin if with_cookies else None,  # type: ignore[arg-type]  # a NewType of str
            additional_headers={"Cookie": cookie} if with_cookies else {},
        )  # fmt: skip

    def logs(self) -> dict[str, str]:
        """Everything nginx wrote."""
        return {path.name: path.read_text() for path in self.folder.glob("*.log")}

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=20) as found:
                return _answer(found)
        except urllib.error.HTTPError as refused:
            with refused:
                return _answer(refused)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def _answer(found: urllib.error.HTTPError | urllib.request._UrlopenRet) -> Answer:
    headers = {name.lower(): value for name, value in found.headers.items()}
    return Answer(int(found.status or 0), headers, found.read().decode(errors="replace"))


def csrf_token(page: str) -> str:
    """The hidden field of a form."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    return found[1]
