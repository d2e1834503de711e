"""The relay as a process of its own, without Django: pages cannot delay its bytes, and may be restarted beside it.

A page process authenticates the upgrade and hands the accepted socket over with a grant (`giving` to `taking`). What
the relay has to know of the site it asks the supervisor's process (`far_clerk` asks `office`).
"""
