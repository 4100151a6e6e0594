"""The node: holds charge points' sockets, stores what they report, speaks to them for workflows.

Bytes ─ ``frames`` ─ ``dispatch`` ─ handlers of ``v16``  pure, no I/O
``session``  one socket under that core               ``registry``  which sockets are here
``server``   admission and sockets                    ``writer``    group commit of facts
``protocol`` what a version of OCPP is                ``protocols`` which are spoken
``forward``  events to watching workflows             ``operations`` what workflows ask for
"""
