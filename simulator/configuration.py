"""The configuration of one charge point: values by key, with the types that hardware checks."""

from dataclasses import replace

from simulator import configuration_keys as keys
from simulator.configuration_keys import Key, Kind
from simulator.frames import Payload
from simulator.profile import Profile
from simulator.words import Answered, Measurand

MAX_DIGITS = 9
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 20


class Configuration:
    """Values that differ from the defaults, over the keys that all instances of a model share."""

    def __init__(self, profile: Profile) -> None:
        self._keys = dict(keys.keys_of(profile.connectors))
        self.missed_change = False
        self._reboot_keys = {name.lower() for name in profile.reboot_keys}
        self._values = {name.lower(): value for name, value in profile.configuration.items()}
        self._after_reboot: dict[str, str] = {}

    @property
    def waits_for_reboot(self) -> bool:
        """Whether a new value counts after the next reboot only."""
        return bool(self._after_reboot)

    def text(self, name: str) -> str:
        """Return the value in force of a key that exists."""
        key = self._keys[name.lower()]
        return self._values.get(name.lower(), key.default)

    def integer(self, name: str) -> int:
        """Return the value in force of an integer key."""
        return int(self.text(name))

    def boolean(self, name: str) -> bool:
        """Return the value in force of a boolean key."""
        return self.text(name).lower() == "true"

    def is_on(self, name: str) -> bool:
        """Whether a boolean key is there and true; what it lacks, it does not do."""
        return name.lower() in self._keys and self.boolean(name)

    def make_read_only(self, name: str) -> None:
        """Let nobody change a key any more."""
        key = self._keys[name.lower()]
        self._keys[key.name.lower()] = replace(key, read_only=True)

    def override(self, name: str, value: str) -> None:
        """Set a value from inside, whatever its access."""
        self._values[name.lower()] = value

    def change(self, name: str, value: str, *, needs_reboot: bool = False) -> Answered:
        """Answer ChangeConfiguration (OCPP 1.6, section 5.3)."""
        key = self._keys.get(name.lower())
        if key is None:
            return Answered.NOT_SUPPORTED
        if key.read_only or not self._valid(key, value):
            return Answered.REJECTED
        if value == self.text(name) and name.lower() not in self._after_reboot:
            return Answered.ACCEPTED
        if needs_reboot or name.lower() in self._reboot_keys:
            self._after_reboot[name.lower()] = value
            return Answered.REBOOT_REQUIRED
        self._values[name.lower()] = value
        return Answered.ACCEPTED

    def have_no_local_list(self) -> None:
        """Be a charge point without LocalAuthListManagement (section 9.3)."""
        for name in keys.LIST_KEYS:
            self.lack(name)
        features = self.text(keys.FEATURE_PROFILES).split(",")
        others = [one for one in features if one != keys.LIST_PROFILE]
        self.override(keys.FEATURE_PROFILES, ",".join(others))

    def lack(self, name: str) -> None:
        """Not know a key at all."""
        self._keys.pop(name.lower(), None)

    def reboot(self) -> None:
        """Put to use what waited for a reboot."""
        self._values.update(self._after_reboot)
        self._after_reboot.clear()

    def describe(self, names: list[str], *, early: bool = False) -> Payload:
        """Answer GetConfiguration: the named keys, or every readable one (section 5.8).

        ``early``: with the values that count after the next reboot.
        """
        wanted = names or [key.name for key in self._keys.values() if key.kind is not Kind.SECRET]
        known = [self._keys[name.lower()] for name in wanted if name.lower() in self._keys]
        unknown = [name for name in wanted if name.lower() not in self._keys]
        answer: Payload = {"configurationKey": [self._entry(key, early=early) for key in known]}
        if unknown:
            answer["unknownKey"] = unknown
        return answer

    def _entry(self, key: Key, *, early: bool) -> Payload:
        entry: Payload = {"key": key.name, "readonly": key.read_only}
        # A secret can be written and never read back.
        if key.kind is not Kind.SECRET:
            later = self._after_reboot.get(key.name.lower()) if early else None
            entry["value"] = self.text(key.name) if later is None else later
        return entry

    def _valid(self, key: Key, value: str) -> bool:
        match key.kind:
            case Kind.INTEGER:
                is_number = value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
                # Security profiles go up, never down (OCPP 1.6 security whitepaper, section 3).
                return is_number and (
                    key.name != "SecurityProfile" or int(value) >= self.integer(key.name)
                )
            case Kind.BOOLEAN:
                return value.lower() in {"true", "false"}
            case Kind.MEASURANDS:
                return all(name.strip() in set(Measurand) for name in value.split(","))
            case Kind.SECRET:
                return decode_key(value) is not None
            case Kind.TEXT:
                return True


def decode_key(value: str) -> bytes | None:
    """Return the bytes of an AuthorizationKey, hexadecimal for 16 to 20 bytes, or None."""
    try:
        key = bytes.fromhex(value)
    except ValueError:
        return None
    return key if MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES else None
