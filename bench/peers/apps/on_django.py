"""Django: plain views over WSGI, without the middleware that a new project lists, but that of the session.

One process has one configuration: the works of the three applications share it, and the middleware is changed before
each is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.static import serve
from shared import DATA, KEY, SIGNED_IN, STATIC, TEMPLATES, rows

SESSIONS = "django.contrib.sessions"


def hooks(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Make the middleware that does nothing before a request and nothing after it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    return middleware


def text(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello, World!")


def mapping(request: HttpRequest) -> HttpResponse:
    return JsonResponse(DATA)


def user(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(f"user {number}, page {request.GET['page']}")


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "rows.html", {"rows": rows()})


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.POST['name']} is {request.POST['age']}")


def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{len(request.FILES['file'].read())} bytes")


def sign_in(request: HttpRequest) -> HttpResponse:
    request.session.update(SIGNED_IN)
    return HttpResponse("signed in")


def read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello, {request.session['user']}!")


urlpatterns = [
    path("", text),
    path("json", mapping),
    path("user/<int:number>", user),
    path("rows", page),
    path("form", form),
    path("upload", upload),
    path("static/<path:path>", serve, {"document_root": STATIC}),
    path("sign-in", sign_in),
    path("session", read),
]


def configure(folder: str, views: str) -> None:
    """Configure Django, once, with the views of the module *views*."""
    if settings.configured:
        return
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/django.sqlite3"}},
        INSTALLED_APPS=[SESSIONS],
        MIDDLEWARE=[],
        ROOT_URLCONF=views,
        SECRET_KEY=KEY,
        TEMPLATES=[{"BACKEND": "django.template.backends.jinja2.Jinja2", "DIRS": [TEMPLATES]}],
    )
    django.setup()


def made(handler: Callable[[], Any], engine: str = "", middleware: str = f"{__name__}.hooks") -> Any:
    """Return what *handler* makes, with sessions that *engine* keeps and the hooks *middleware*; or with neither."""
    settings.MIDDLEWARE = [f"{SESSIONS}.middleware.SessionMiddleware", middleware] if engine else []
    settings.SESSION_ENGINE = f"{SESSIONS}.backends.{engine}" if engine else ""
    return handler()


def plain(folder: str) -> WSGIHandler:
    configure(folder, __name__)
    return made(WSGIHandler)


def cookie(folder: str) -> WSGIHandler:
    configure(folder, __name__)
    return made(WSGIHandler, "signed_cookies")


def stored(folder: str) -> WSGIHandler:
    configure(folder, __name__)
    call_command("migrate", verbosity=0)
    return made(WSGIHandler, "db")
