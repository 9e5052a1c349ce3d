"""Error responses of the Lambda API.

Source: botocore's model of the API: the field of the message is `Message` in some errors, `message` in others.
"""

from starlette.responses import JSONResponse, Response

from ..web.asgi import Receive, Scope, Send, respond_unread

_CAPITALISED = {"ResourceNotFoundException", "AccessDeniedException"}  # errors with the field "Message"


class Refused(Exception):
    """A refused call, with the status and the error type that SDKs recognize."""

    def __init__(self, status: int, error_type: str, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.error_type = error_type


def answer(refusal: Refused) -> Response:
    """Return the response to a refused call."""
    message = str(refusal)
    report = {"Type": "User", "Message" if refusal.error_type in _CAPITALISED else "message": message}
    if refusal.error_type == "ValidationException":  # AWS's front end, not Lambda, answers this one
        report = {"message": message}
    if refusal.reason is not None:
        report["Reason"] = refusal.reason
    kind = _Unread if refusal.status == 413 else JSONResponse
    return kind(report, refusal.status, {"x-amzn-errortype": refusal.error_type})


class _Unread(JSONResponse):
    """A response to a request whose body has not been read completely."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in self.headers.items() if name != "content-length"]
        await respond_unread(receive, send, self.status_code, headers, bytes(self.body))
