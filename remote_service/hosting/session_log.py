"""A session's log file: capped, known secrets masked, readable without a tool.

The first half of the cap is kept for ever, since the cause stands at the beginning. When the file is full, the older
part of its second half is left out and a line says how many bytes that were. What cannot be written, because the disk
is full for instance, is lost, and a line says so as soon as one can be written: no session ends for its log.
"""

from __future__ import annotations

import os

CAP = 10 * 1024 * 1024
"""Bytes a session's log may have."""

MASK = b"********"
_FEWEST_SECRET_BYTES = 4
_MOST_HELD_BACK = 4096


class SessionLog:
    """Writes into one open file; nothing else writes there."""

    def __init__(self, descriptor: int, cap: int = CAP) -> None:
        """Takes a descriptor that may be read and written; `cap` in bytes."""
        self._descriptor = descriptor
        self._head = cap // 2
        self._cap = cap
        self._size = os.fstat(descriptor).st_size
        self._left_out = 0
        self._note_size = 0
        self._secrets: list[bytes] = []
        self._held = b""
        self._lost = 0
        self.trouble = ""
        """Why nothing can be written at the moment; empty while all is well."""

    def keep_secret(self, secret: str) -> None:
        """Masks this text from now on. Texts of fewer than four bytes would mask half the log, and are not."""
        raw = secret.encode(errors="surrogatepass")
        if len(raw) >= _FEWEST_SECRET_BYTES and raw not in self._secrets:
            self._secrets.append(raw)
            self._secrets.sort(key=len, reverse=True)

    def masked(self, text: str) -> str:
        """The text without the secrets known so far."""
        for secret in self._secrets:
            text = text.replace(secret.decode(errors="surrogatepass"), MASK.decode())
        return text

    def write(self, data: bytes) -> None:
        """Appends output of the session; what might be the beginning of a secret waits for its rest."""
        data = self._held + data
        for secret in self._secrets:
            data = data.replace(secret, MASK)
        keep = self._begun_secret(data)
        self._held = data[len(data) - keep :] if keep else b""
        self._append(data[: len(data) - keep] if keep else data)

    def line(self, text: str) -> None:
        """Appends a line of our own."""
        self.flush()
        self.write(f"-- {text}\n".encode(errors="replace"))
        self.flush()

    def flush(self) -> None:
        """Writes what was held back."""
        held, self._held = self._held, b""
        self._append(held)

    def _begun_secret(self, data: bytes) -> int:
        """How many of the last bytes may be the beginning of a secret."""
        longest = 0
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(data), _MOST_HELD_BACK), longest, -1):
                if data.endswith(secret[:length]):
                    longest = length
                    break
        return longest

    def _append(self, data: bytes) -> None:
        note = f"\n-- {self._lost} bytes were lost here: {self.trouble} --\n".encode() if self._lost and data else b""
        try:
            self._put(note + data)
        except OSError as error:
            self._lost += len(data)
            self.trouble = error.strerror or str(error)
        else:
            if data:
                self._lost, self.trouble = 0, ""

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            # Never so much at once that it does not fit into the room that is made.
            part = view[: self._cap // 8]
            if self._size + len(part) > self._cap:
                self._make_room()
            written = os.pwrite(self._descriptor, part, self._size)
            self._size += written
            view = view[written:]

    def _make_room(self) -> None:
        """Keeps the head and the last quarter, and says what is missing between them."""
        keep = os.pread(self._descriptor, self._cap // 4, max(self._head, self._size - self._cap // 4))
        self._left_out += self._size - self._head - self._note_size - len(keep)
        note = f"\n-- {self._left_out} bytes were left out here: the log may have {self._cap} --\n".encode()
        self._note_size = len(note)
        os.ftruncate(self._descriptor, self._head)
        self._size = self._head
        for part in (note, keep):
            self._size += os.pwrite(self._descriptor, part, self._size)
