"""RFB, the protocol of VNC, without any I/O: bytes go in, bytes and facts come out.

Nothing in here opens a socket, reads a clock, logs, or knows Django; the relay feeds these objects with what
it received and sends what they return. Sections are those of RFC 6143; what that document leaves out is in
the community's "The RFB Protocol" (rfbproto), whose section names are quoted.

- `errors`: what can go wrong, and whose fault it is
- `buffer`: reading exact numbers of bytes from chunks of any size
- `wire`: the fields that both sides of the handshake share
- `auth`: the answer to a VNC Authentication challenge
- `handshake`: logging in to a VNC server, and letting a viewer in
- `observer`: following a handshake between two others
- `message_table`: where each message of a viewer ends
- `messages`: framing a viewer's messages, and telling real input from housekeeping
- `view_only`: dropping what somebody who may only look must not send
"""

from __future__ import annotations
