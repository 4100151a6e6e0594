"""The node: holds charge points' sockets, stores what they report, speaks to them for workflows.

Bytes ─ ``frames`` ─ ``dispatch`` ─ ``v16`` handlers   pure, no I/O
``session``  one socket under that core               ``registry``  which sockets are here
``server``   admission and sockets                    ``writer``    group commit of facts
``forward``  events to watching workflows             ``operations`` what workflows ask for
"""
