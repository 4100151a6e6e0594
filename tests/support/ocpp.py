"""The versions of OCPP that a node speaks, as tests want them."""

from ocpp_server.protocols import protocols

PROTOCOLS = protocols(boot_retry_interval=1, heartbeat_interval=60)
V16 = PROTOCOLS["ocpp1.6"]
