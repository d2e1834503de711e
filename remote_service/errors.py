"""The errors that users, scripts' admins and REST clients are told about.

    GatewayError
        RefusedError                 a request that was understood and not granted; it stands in an event row
            UnauthorizedError        401 unauthorized
            RestClosedError          403 rest_closed
            NotAllowedError          403 not_allowed
            UnknownTypeError         404 unknown_type
            UnknownTokenError        404 unknown_token
            NoFreeSlotError          409 no_free_slot
            LimitReachedError        409 limit_reached
            InvalidOptionError       400 invalid_option
            SwitchedOffError         503 switched_off
            DatabaseAwayError        503 database_away; it stands in the log, since there are no rows then

Each knows its HTTP status and its code once; views and websockets never invent their own.
"""

from __future__ import annotations

from typing import ClassVar

from remote_service.texts import joined


class GatewayError(Exception):
    """The base of all of them; `str()` is a sentence for the person who asked, in English.

    `sentence` is the same for pages, which can translate it when it was made for that (see `texts`).
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class RefusedError(GatewayError):
    """Not granted. A retry helps only where the sentence says so."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"


class UnauthorizedError(RefusedError):
    """No secret, or a wrong one."""

    status = 401
    code = "unauthorized"


class RestClosedError(RefusedError):
    """The stand-alone REST has no secret configured, so it is closed; or what it was asked for is."""

    status = 403
    code = "rest_closed"


class NotAllowedError(RefusedError):
    """Who asks may not."""

    status = 403
    code = "not_allowed"


class UnknownTypeError(RefusedError):
    """There is no such session type, or it is disabled, or it is not for this door."""

    status = 404
    code = "unknown_type"


class UnknownTokenError(RefusedError):
    """There is no such session for who asks."""

    status = 404
    code = "unknown_token"


class NoFreeSlotError(RefusedError):
    """All slots of the type are in use; a later try may succeed."""

    status = 409
    code = "no_free_slot"


class LimitReachedError(RefusedError):
    """The user has as many sessions as one may have."""

    status = 409
    code = "limit_reached"


class InvalidOptionError(RefusedError):
    """A launch option is not what it should be; `fields` has a sentence for each."""

    status = 400
    code = "invalid_option"

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(joined(*fields.values()))
        self.fields = fields


class SwitchedOffError(RefusedError):
    """The site's switch "Enable external sessions" is off."""

    status = 503
    code = "switched_off"


class DatabaseAwayError(RefusedError):
    """The database does not answer, so nothing is known and nothing can be granted."""

    status = 503
    code = "database_away"
