"""Which id tags are accepted: a commissioning run's own, and those that the site's owner admits."""


def key_of(id_tag: str) -> str:
    """Return what two spellings of an id tag have in common.

    Id tags are CiString20 (OCPP 1.6 §7.28): compared without regard to case.
    """
    return id_tag.strip().casefold()


def is_of_run(id_tag: str, *, open_run_tag: str | None) -> bool:
    """Tell whether it is the tag of the open run of the charge point."""
    return open_run_tag is not None and key_of(id_tag) == key_of(open_run_tag)
