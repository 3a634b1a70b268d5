"""Tokens for tasks: each is good for the operations of one job, and for nothing else (J-64).

A token says whose job it is about and carries a signature, so nothing has to be kept: it is the
same at every attempt and after every restart, and no other job will ever have it. The signature is
made with a key that comes from the account's own key: who knows that one may do everything anyway
(decision 0020).
"""

import hmac
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from batchyard.core.keys import JobKey
from batchyard.core.model import Job

#: What the key of the tokens is made for, so that no signature is ever one of something else.
_PURPOSE: Final = b"batchyard job token"

#: Signs for accounts that are not served any more; what it signed is never accepted.
_NOBODYS_KEY: Final = b"nobody"


class JobAccess(msgspec.Struct, frozen=True, array_like=True):
    """What a token is good for; the time of creation tells jobs of two data folders apart."""

    account: str
    job: JobKey
    creation_time: float

    def is_of(self, job: Job) -> bool:
        """Return whether it is about this very job."""
        return self == access_of(job)


def access_of(job: Job) -> JobAccess:
    """Return the access that tasks of a job are given."""
    return JobAccess(job.account, job.key, job.creation_time.timestamp())


class JobTokens:
    """Makes tokens and knows them again. `accounts` gives each account's name its key in base64."""

    def __init__(self, accounts: Mapping[str, str]) -> None:
        self._keys = {
            name: hmac.digest(b64decode(key), _PURPOSE, sha256) for name, key in accounts.items()
        }

    def mint(self, job: Job) -> str:
        """Return the token of a job."""
        access = access_of(job)
        content = urlsafe_b64encode(msgspec.json.encode(access)).decode()
        return f"{content}.{self._signature(access.account, content)}"

    def read(self, token: str) -> JobAccess | None:
        """Return what a token is good for, None if it is none of ours."""
        content, _, signature = token.partition(".")
        try:
            access = msgspec.json.decode(urlsafe_b64decode(content), type=JobAccess)
        except (Base64Error, ValueError):
            return None
        expected = self._signature(access.account, content)
        is_signed = hmac.compare_digest(expected.encode(), signature.encode())
        return access if is_signed and access.account in self._keys else None

    def _signature(self, account: str, content: str) -> str:
        key = self._keys.get(account, _NOBODYS_KEY)
        return hmac.digest(key, content.encode(), sha256).hex()
