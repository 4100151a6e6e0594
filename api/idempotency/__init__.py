"""``Idempotency-Key``: a POST that is repeated is carried out once, and answered as the first time.

After the IETF's draft (draft-ietf-httpapi-idempotency-key-header).
"""
