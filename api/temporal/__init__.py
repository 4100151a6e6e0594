"""The way from the API to Temporal: the only place in it that knows the SDK."""

from api.temporal.gateway import TemporalGateway

__all__ = ["TemporalGateway"]
