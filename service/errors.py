"""Failures that a user can act on, and how a command ends on them."""

from __future__ import annotations


class UserError(Exception):
    """Something the user gave cannot be used; the message names it and what would be accepted."""


class UsageError(UserError):
    """The arguments are wrong: the command ends with status 2."""


class NothingUsableError(UserError):
    """The arguments are right but nothing came of them: the command ends with status 1."""
