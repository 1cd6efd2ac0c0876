"""What holds for every request: headers on every reply, errors as JSON, and no writing from other sites' pages."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from builder.errors import ZooError
from serving.replies import EVALUATING_POLICY, EVALUATING_WORKERS, SECURITY_HEADERS, Refusal, error_content, json_reply


def add_manners(app: Flask) -> None:
    """Register them all. What goes wrong is logged by the application's logger."""

    @app.before_request
    def refuse_other_sites() -> None:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = request.headers.get("Origin")
        here = request.headers.get("Host", "").lower()
        if site not in {"same-origin", "none"} or (origin is not None and origin.lower().partition("://")[2] != here):
            raise Refusal(
                403,
                ZooError(
                    "another site's page may not send anything here",
                    got=f"Origin {origin}, Sec-Fetch-Site {site}",
                    expected=f"the page that this server serves at {here}",
                    next_step="open that page, and measure there",
                ),
            )

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        if request.path in EVALUATING_WORKERS:
            response.headers["Content-Security-Policy"] = EVALUATING_POLICY
        return response

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return json_reply(error_content(refusal.error), refusal.status)

    @app.errorhandler(ZooError)
    def cannot_now(error: ZooError) -> Response:
        app.logger.error("%s %s: %s", request.method, request.path, error)
        return json_reply(error_content(error), 503)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = json_reply(error_content(_explain_http(error)), error.code or 500)
        response.headers.extend((k, v) for k, v in error.get_headers() if k == "Allow")
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
        fault = ZooError(
            "the server failed unexpectedly",
            got=type(error).__name__,
            expected="no fault in the server",
            next_step="the server's log has the details; please report them",
        )
        return json_reply(error_content(fault), 500)


def _explain_http(error: HTTPException) -> ZooError:
    got = f"{request.method} {request.path}"
    if error.code == 405:
        return ZooError(
            "this address does not take that method",
            got=got,
            expected=dict(error.get_headers()).get("Allow", "another method"),
            next_step="use one of those",
        )
    return ZooError(
        f"the request cannot be answered: {error.name}",
        got=got,
        expected=error.description or "a request that this server knows",
        next_step="start from the page, at /",
    )
