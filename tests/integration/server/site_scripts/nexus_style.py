"""A script as they are written for Nexus: nothing of ours but the base class, a server that makes itself a daemon."""
# ruff: noqa: I002, B006, B008 (written as such scripts are: it must run unchanged)

import os
import subprocess
import sys
import time

from marking import mark
from nexus_remote_service import RemoteServiceScript

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_vncserver.py")


class SimpleServer(RemoteServiceScript):
    def __init__(self, name="", count=1, index=0, common_options={}):
        super().__init__(name, count=count, index=index, common_options=common_options)
        self._port = self._common_options["port"] + self._index

    def start(self, token, timestamp=time.time(), options={"username": "", "size": "1600x1200"}):
        mark(self._common_options, "start")
        if subprocess.call([sys.executable, SERVER, ":" + str(self._port)]) != 0:
            return False
        self.set_host_port("127.0.0.1", self._port)
        return super().start(token, timestamp, options)

    def stop(self):
        mark(self._common_options, "stop")
        subprocess.call([sys.executable, SERVER, "-kill", ":" + str(self._port)])
        return super().stop()


def realize_service(name="", count=1, index=0, common_options={}):
    return SimpleServer(name, count=count, index=index, common_options=common_options)
