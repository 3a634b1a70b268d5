"""The ASGI application: what every request goes through, in order.

Signature, api-version, route, query and conditions; then one handler (E-2). `Refused` and what
nobody expected become answers here and nowhere else.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchyard.api import conditions, health, job_access, routes, waiting
from batchyard.api.auth import Authenticator, raw_path
from batchyard.api.http import Call, empty, json_response
from batchyard.core.errors import ErrorCode, Refused
from batchyard.engine.ports import Clock
from batchyard.engine.writer import WriterStopped
from batchyard.wire import errors, links, versions
from batchyard.wire.coverage import shorten
from batchyard.wire.odata import Query
from batchyard.wire.operations import COMMON_QUERY

if TYPE_CHECKING:
    from batchyard.engine.service import Service

_log = logging.getLogger(__name__)

#: What ``odata.metadata`` of an error says. Source: E-1.
_ERROR_ENTITY: Final = "Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element"

#: Parameters of one query. Source: ours; no operation takes more than eight.
_QUERY_PARAMETERS_MAX: Final = 50


def create_app(
    service: "Service", accounts: Mapping[str, str], *, clock: Clock, clients_clock: Clock
) -> ASGIApp:
    """Return the application; `accounts` gives each account's name its key in base64.

    What answers say of the present goes by `clock`, as the service does; whether the date of a
    request is right is a question to `clients_clock`.

    Raises:
        ValueError: A key is not base64, or there is no account.
    """
    if not accounts:
        raise ValueError("there must be an account, or nobody can ask for anything")
    return _Application(
        service, Authenticator(accounts, clients_clock), clock, next(iter(accounts))
    )


class _Application:
    """Answers HTTP requests; `any_account` is one that exists."""

    def __init__(
        self, service: "Service", authenticator: Authenticator, clock: Clock, any_account: str
    ) -> None:
        self._service = service
        self._authenticator = authenticator
        self._clock = clock
        self._any_account = any_account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request_id = str(uuid4())
        common = _common_headers(request, request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(common)
            await send(message)

        try:
            response = await self._respond(request, request_id, common)
        except ClientDisconnect:
            return
        except Refused as refused:
            response = self._refusal(request, request_id, refused)
        except WriterStopped:
            ending = Refused(ErrorCode.SERVER_BUSY, Reason="the service is ending; try again")
            response = self._refusal(request, request_id, ending)
        except Exception:  # noqa: BLE001  # a defect is answered and logged, and ends nothing else
            _log.exception("request %s failed: %s %s", request_id, request.method, raw_path(scope))
            response = self._refusal(request, request_id, Refused(ErrorCode.INTERNAL_ERROR))
        try:
            await response(scope, receive, send_with_headers)
        except ClientDisconnect:
            return

    async def _respond(self, request: Request, request_id: str, common: dict[str, str]) -> Response:
        scope = request.scope
        path = raw_path(scope)
        asked = waiting.names_of(path)
        if path.startswith(health.PREFIX) and asked is None:
            return await health.answer(self._service, path, self._any_account)
        access = self._authenticator.bearer(request.headers)
        if access is None:
            account = self._authenticator.authenticate(scope, request.headers)
        else:
            account = access.account
        query = _query(scope)
        if asked is not None:
            query.check_names(COMMON_QUERY)
            if access is not None:
                await job_access.check_job(self._service, access, path, asked[0])
            return await waiting.answer(self._service, request.method, account, asked)
        version = versions.parse(query.get("api-version"))
        if version.warning is not None:
            common["Warning"] = version.warning
        operation, params = routes.match(request.method, path)
        if access is not None:
            await job_access.check(self._service, access, operation, params)
        if not operation.is_built:
            raise Refused(
                ErrorCode.NOT_IMPLEMENTED,
                Operation=operation.name,
                Reason=f"{operation.name} is not supported yet",
            )
        query.check_names(COMMON_QUERY | operation.query)
        query.check_time_out()
        base_url = _base_url(request)
        call = Call(
            service=self._service,
            clock=self._clock,
            request=request,
            request_id=request_id,
            account=account,
            version=version,
            operation=operation,
            params=params,
            query=query,
            base_url=base_url,
            url=base_url + path,
        )
        conditions.check_supported(call)
        return await routes.HANDLERS[operation.name](call)

    def _refusal(self, request: Request, request_id: str, refused: Refused) -> Response:
        """Return the answer to a refusal: no body for HEAD, and none with 304 (E-1)."""
        is_read = request.method in ("GET", "HEAD")
        if refused.code is ErrorCode.CONDITION_NOT_MET and is_read:
            return empty(304)
        status = errors.status(refused.code)
        headers = _refusal_headers(refused)
        if request.method == "HEAD":
            return empty(status, headers)
        error = errors.render(refused, request_id=request_id, now=self._clock.now())
        body: dict[str, object] = {
            "odata.metadata": links.metadata(_base_url(request), _ERROR_ENTITY),
            "code": error.code,
            "message": error.message,
        }
        if error.values:
            body["values"] = error.values
        return json_response(body, status, headers)


def _common_headers(request: Request, request_id: str) -> dict[str, str]:
    """Return the headers of every answer (W-3); the HTTP server adds ``Date``."""
    headers = {"request-id": request_id, "DataServiceVersion": "3.0"}
    if request.headers.get("return-client-request-id", "").lower() == "true":
        client_request_id = request.headers.get("client-request-id")
        if client_request_id:
            headers["client-request-id"] = shorten(client_request_id)
    return headers


def _refusal_headers(refused: Refused) -> dict[str, str] | None:
    if refused.code is ErrorCode.UNSUPPORTED_HTTP_VERB:
        return {"Allow": refused.values["Reason"].removeprefix("use ")}
    return None


def _query(scope: Scope) -> Query:
    text = scope["query_string"].decode("latin-1")
    try:
        return Query(parse_qsl(text, max_num_fields=_QUERY_PARAMETERS_MAX, errors="strict"))
    except ValueError as error:
        raise Refused(
            ErrorCode.INVALID_URI, Reason=f"the query cannot be understood: {error}"
        ) from None


def _base_url(request: Request) -> str:
    """Return scheme and host as the client wrote them."""
    host = request.headers.get("host")
    if not host:
        name, port = request.scope.get("server") or ("localhost", None)
        host = name if port is None else f"{name}:{port}"
    return f"{request.scope['scheme']}://{host}"


async def _lifespan(receive: Receive, send: Send) -> None:
    """Answer the server's start and end: ``main`` looks after what the service needs."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
