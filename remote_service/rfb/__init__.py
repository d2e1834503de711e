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
- `messages`: framing a viewer's messages, and telling real input from housekeeping
- `screenshot`: the smallest client that RFB allows

What may pass is decided by a policy, and a stream is filtered while it flows:

- `policy`, `policy_filter`: what a viewer may do, and both directions of its connection under that
- `sieve`: letting a stream through while a parser follows it and takes something out
- `layout`, `message_table`, `server_table`: where each message of either side ends
- `encodings`, `rectangles`, `tight`, `pixel_format`: where each rectangle of a picture ends
- `clipboard`, `pacer`: what a clipboard message does; how often pictures are asked for
- `viewer_filter`, `server_filter`: either direction
"""

from __future__ import annotations
