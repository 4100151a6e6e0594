"""What Temporal makes for each workflow run anew must not cost each run anew."""

from temporalio.converter import DefaultPayloadConverter

from domain.commissioning import RunOptions
from temporal_client import DATA_CONVERTER


def test_converters_share_what_they_know_of_types() -> None:
    one, other = DATA_CONVERTER.payload_converter_class(), DATA_CONVERTER.payload_converter_class()
    assert isinstance(one, type(other))
    assert one is not other
    options = RunOptions(notify_on_complete=True)
    for converter in (one, other):
        (payload,) = converter.to_payloads([options])
        assert converter.from_payload(payload, RunOptions) == options
    encoding = b"json/plain"
    assert one.converters[encoding] is other.converters[encoding]  # type: ignore[attr-defined]


def test_every_other_encoding_is_the_standard_one() -> None:
    ours = DATA_CONVERTER.payload_converter_class()
    standard = DefaultPayloadConverter()
    assert list(ours.converters) == list(standard.converters)  # type: ignore[attr-defined]
