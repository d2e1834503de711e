"""Pages that follow what happens: each has one websocket, over which the server sends what changed of it.

`pages` is where a page is plugged in; `fragments` says what is sent, `hub` when, `socket` to whom.
"""
