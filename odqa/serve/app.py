"""Open indexes and settings in; the ASGI app that answers from them out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from odqa.serve import page, problems, schema
from odqa.serve.indexes import Indexes
from odqa.serve.limits import KeyRequired, KnownHost, SecureHeaders, WholeBody
from odqa.serve.metrics import Counted
from odqa.serve.routes import open_routes, routes
from odqa.serve.service import Service, Settings
from odqa.version import __version__

DESCRIPTION = (
    "Exact answers out of indexed documents, where each one is, and how confident the system is. Errors are problem "
    "details (RFC 9457), whose `detail` says what to do."
)


def create_app(indexes: Indexes, settings: Settings, *, local: bool = True) -> FastAPI:
    """The app for these indexes, which it closes when it ends.

    ``local`` says that it listens on this machine's own addresses alone. The models should be warm
    (:meth:`Indexes.warm`).
    """
    service = Service(indexes, settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.stop)

    app = FastAPI(
        title="odqa",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # Its page is loaded from elsewhere.
        redoc_url=None,
        redirect_slashes=False,  # To an address without the slash, by a name and scheme that a proxy may not have.
    )
    app.state.service = service
    problems.register(app)
    key = KeyRequired(settings.key)
    opened, keyed = [open_routes, page.router()], [routes]
    if settings.feedback is not None:
        from odqa.serve.feedback_route import router

        keyed.append(router)
    for one in opened:
        app.include_router(one)
    for one in keyed:
        app.include_router(one, dependencies=[Depends(key)])
    known = [route for one in opened + keyed for route in one.routes]
    app.state.paths = frozenset(route.path for route in known if isinstance(route, Route))
    _add_layers(app, service, key, local)
    app.openapi = lambda: _openapi(app, settings.key is not None)  # type: ignore[method-assign]
    return app


def around(app: FastAPI) -> Callable[[ASGIApp], ASGIApp]:
    """Puts around something that answers requests what is around all of them, whether or not they reach the app."""
    service: Service = app.state.service
    paths: frozenset[str] = app.state.paths
    return lambda inner: SecureHeaders(Counted(inner, service.metrics, paths))


def _add_layers(app: FastAPI, service: Service, key: KeyRequired, local: bool) -> None:
    """Put what is around the whole app around it; what is added last is met first."""
    settings = service.settings
    app.add_middleware(WholeBody, key=key, seconds=settings.timeout)
    if local and settings.key is None:
        app.add_middleware(KnownHost)
    app.add_middleware(problems.Unforeseen)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "X-API-Key"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(around(app))


def _openapi(app: FastAPI, keyed: bool) -> dict[str, Any]:
    """The OpenAPI document: with the problems as they are, and the key where one is wanted."""
    if app.openapi_schema is None:
        value = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = value["components"]["schemas"]
        for model in (schema.Problem, schema.Fault):
            described = model.model_json_schema(ref_template="#/components/schemas/{model}")
            described.pop("$defs", None)
            schemas[model.__name__] = described
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        if keyed:
            value["components"]["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            }
            value["security"] = [{"bearer": []}, {"key": []}]
            value["paths"]["/health"]["get"]["security"] = []
        app.openapi_schema = value
    return app.openapi_schema
