"""The same application with the session systems of other frameworks, on Redis, set up as their documentation says."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import django
import flask
import redis
import redis.asyncio
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test.utils import override_settings
from django.urls import path as django_path
from flask_session import Session
from litestar import Litestar, MediaType, Request, get
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.stores.redis import RedisStore
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starsessions import SessionMiddleware, load_session
from starsessions.session import regenerate_session_id
from starsessions.stores.redis import RedisStore as StarRedisStore

from session_systems import ACTIONS, Action, Asgi, Client, Do, System, Wsgi, awaited, new_user, plain, sign_in

KEY = "a key that is used for this bench alone"

# -- Flask-Session --------------------------------------------------------------------------------------------------


def flask_session(config: dict[str, Any], **options: Any) -> Client:
    app = flask.Flask(__name__)
    app.config.update(SECRET_KEY=KEY, SESSION_TYPE="redis", SESSION_REDIS=redis.Redis.from_url(config["SESSION_URL"]))
    app.config.update(options)
    Session(app)

    def login(kept: Any) -> None:
        app.session_interface.regenerate(kept)
        sign_in(kept)

    for path, action in ACTIONS.items():
        do = login if path == "/login" else action.do
        view = functools.partial(_flask_view, action, do)
        app.add_url_rule(path, path.strip("/"), view)
    return Wsgi(app)


def _flask_view(action: Action, do: Do) -> str:
    return plain(action, do, flask.session)


def bare_flask() -> Client:
    app = flask.Flask(__name__)
    app.add_url_rule("/untouched", "untouched", lambda: "")
    return Wsgi(app)


# -- Django ---------------------------------------------------------------------------------------------------------


_urls: list[Any] = []


class Urls:
    """The views, as Django's ``ROOT_URLCONF`` names them."""

    urlpatterns = _urls


def django_cache(config: dict[str, Any]) -> Client:
    def login(kept: Any) -> None:
        kept.cycle_key()  # as django.contrib.auth.login does
        sign_in(kept)

    own: dict[str, Do] = {"/login": login, "/logout": lambda kept: kept.flush()}  # as django.contrib.auth.logout does
    _urls[:] = [
        django_path(path.strip("/"), functools.partial(_django_view, action, own.get(path, action.do)))
        for path, action in ACTIONS.items()
    ]
    if not settings.configured:
        settings.configure(
            SECRET_KEY=KEY,
            ALLOWED_HOSTS=["*"],
            MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
            SESSION_ENGINE="django.contrib.sessions.backends.cache",
            ROOT_URLCONF=Urls,
            LOGGING_CONFIG=None,
        )
        django.setup()
        logging.getLogger("django").setLevel(logging.CRITICAL)  # it warns of each late request, which it refuses
    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": config["SESSION_URL"]}
    # The settings are one for the process: they stay as they are for the application that is made last.
    override_settings(CACHES={"default": cache}).enable()
    return Wsgi(WSGIHandler())


def _django_view(action: Action, do: Do, request: Any) -> HttpResponse:
    untouched = action is ACTIONS["/untouched"]
    return HttpResponse("" if untouched else plain(action, do, request.session))


def bare_django() -> Client:
    with override_settings(MIDDLEWARE=[]):
        return Wsgi(WSGIHandler())


# -- Litestar -------------------------------------------------------------------------------------------------------


def litestar(config: dict[str, Any]) -> Client:
    # It has no way to change the id of a session.
    own: dict[str, Callable[[Request], Any]] = {"/logout": lambda request: request.clear_session()}
    return Asgi(
        Litestar(
            [_litestar_view(path, action, own.get(path)) for path, action in ACTIONS.items()],
            middleware=[ServerSideSessionConfig().middleware],
            stores={"sessions": RedisStore.with_client(config["SESSION_URL"])},
            logging_config=None,  # it would turn on the logging of the whole process
        )
    )


def _litestar_view(path: str, action: Action, own: Callable[[Request], Any] | None) -> Any:
    async def view(request: Request) -> str:
        if own is not None:
            return own(request) or ""
        return await awaited(action, action.do, request.session)

    return get(path, media_type=MediaType.TEXT)(view)


def bare_litestar() -> Client:
    return Asgi(
        Litestar([_litestar_view("/untouched", ACTIONS["/untouched"], lambda request: None)], logging_config=None)
    )


# -- starsessions ---------------------------------------------------------------------------------------------------


def starsessions(config: dict[str, Any]) -> Client:
    store = StarRedisStore(connection=redis.asyncio.Redis.from_url(config["SESSION_URL"]))
    return Asgi(
        Starlette(
            routes=[Route(path, _star_view(path, action)) for path, action in ACTIONS.items()],
            middleware=[
                Middleware(SessionMiddleware, store=store, lifetime=3600 * 24 * 14, cookie_https_only=False),
            ],
        )
    )


def _star_view(path: str, action: Action) -> Any:
    async def view(request: Any) -> PlainTextResponse:
        if path != "/untouched":
            await load_session(request)
        if path == "/login":
            regenerate_session_id(request)
            request.session["user"] = new_user()
            return PlainTextResponse("")
        kept = None if path == "/untouched" else request.session
        return PlainTextResponse(await awaited(action, action.do, kept))

    return view


async def _star_bare(request: Any) -> PlainTextResponse:
    return PlainTextResponse("")


def bare_starlette() -> Client:
    return Asgi(Starlette(routes=[Route("/untouched", _star_bare)]))


PEERS = [
    System("Flask-Session", flask_session, bare_flask),
    System("Django", django_cache, bare_django),
    System("Litestar", litestar, bare_litestar),
    System("starsessions", starsessions, bare_starlette),
]
