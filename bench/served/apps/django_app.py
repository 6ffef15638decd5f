"""The application on Django."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import django
from common import HELLO, KEY, MAPPING, REDIS, ROWS, SESSION, STATIC, TEMPLATES
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, re_path
from django.views.static import serve


class Urls:
    """The views: fastpysgi does not import this module under its name, so that Django could not find them there."""

    urlpatterns: ClassVar[list[Any]] = []


settings.configure(
    SECRET_KEY=KEY,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=Urls,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"] if REDIS else [],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}} if REDIS else {},
    TEMPLATES=[{"BACKEND": "django.template.backends.jinja2.Jinja2", "DIRS": [TEMPLATES]}],
    LOGGING_CONFIG=None,
)
django.setup()
logging.getLogger("django").setLevel(logging.CRITICAL)  # it would tell each 404


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(HELLO)


def mapping(request: HttpRequest) -> HttpResponse:
    return JsonResponse(MAPPING)


def user(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(f"user {number}, page {request.GET['page']}")


def rows(request: HttpRequest) -> HttpResponse:
    return render(request, "rows.html", {"rows": ROWS})


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.POST['name']}, {request.POST['colour']}")


def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.FILES["file"].read())))


def fill(request: HttpRequest) -> HttpResponse:
    request.session.update(SESSION)
    return HttpResponse(HELLO)


def read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.session['theme']} {request.session['n']}")


def count(request: HttpRequest) -> HttpResponse:
    request.session["n"] = request.session["n"] + 1
    return HttpResponse(str(request.session["n"]))


Urls.urlpatterns += [
    path("", hello),
    path("json", mapping),
    path("user/<int:number>", user),
    path("rows", rows),
    path("form", form),
    path("upload", upload),
    path("fill", fill),
    path("read", read),
    path("count", count),
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": STATIC}),
]
wsgi, asgi = get_wsgi_application(), get_asgi_application()
