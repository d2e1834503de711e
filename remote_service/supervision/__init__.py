"""What a supervisor does while it holds the lease: `term` looks and decides, the others carry it out.

- `charges`: what is known of each session beyond its row
- `rows`: writing, as long as the lease is ours
- `runners`: forking them, finding them, hearing them
- `operations`: the ordinary course of a session
- `recovery`: sessions whose runner is an earlier supervisor's, has ended, or cannot be reached
- `term`: the loop
"""
