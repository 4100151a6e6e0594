"""Which id tags are accepted: a commissioning run's own, and no other."""


def is_accepted(id_tag: str, *, open_run_tag: str | None) -> bool:
    """Accept exactly the tag of the open run of this charge point.

    Id tags are CiString20 (OCPP 1.6 §7.28): compared without regard to case.
    """
    return open_run_tag is not None and id_tag.strip().casefold() == open_run_tag.casefold()
