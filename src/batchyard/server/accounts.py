"""The accounts of a server: names and keys, as an option gives them.

Accounts do not see one another. Without the option there is one with a fixed, published key: good
for one's own machine, and for nothing that others can reach.
"""

import base64
import binascii
import re
from typing import Final

#: Name and key that everybody knows, as those of storage emulators.
DEFAULT_ACCOUNT: Final = "batchyard"
DEFAULT_KEY: Final = base64.b64encode(
    b"batchyard: a published key, for your own machine only."
).decode()

_NAME: Final = re.compile(r"[a-z0-9]{3,24}")


class BadAccounts(ValueError):
    """The option does not name accounts; the message says what to write instead."""


def parse(option: str | None) -> dict[str, str]:
    """Return keys by account name from ``name:key[;name:key]``; the first account comes first.

    Raises:
        BadAccounts: A name is not one, a key is not base64, or a name comes twice.
    """
    if option is None:
        return {DEFAULT_ACCOUNT: DEFAULT_KEY}
    accounts: dict[str, str] = {}
    for item in filter(None, option.split(";")):
        name, colon, key = item.partition(":")
        if not colon:
            raise BadAccounts(f"{item!r} is not of the form name:key")
        if not _NAME.fullmatch(name):
            raise BadAccounts(f"{name!r} is no account name: 3 to 24 lower-case letters and digits")
        if not _is_key(key):
            raise BadAccounts(f"the key of {name} is not base64 of at least one byte")
        if name in accounts:
            raise BadAccounts(f"{name} is named twice")
        accounts[name] = key
    if not accounts:
        raise BadAccounts("no account is named; write name:key")
    return accounts


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) > 0
    except binascii.Error:
        return False
