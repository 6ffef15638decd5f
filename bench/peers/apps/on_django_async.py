"""Django: async views over ASGI, otherwise as ``on_django.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from django.core.handlers.asgi import ASGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import async_only_middleware
from django.views.static import serve
from on_django import configure, form, made, mapping, page, text, upload, user
from shared import SIGNED_IN, STATIC


def as_async(view: Callable[..., HttpResponse]) -> Callable[..., Awaitable[HttpResponse]]:
    """Make a view that waits for nothing an async one."""

    async def answer(request: HttpRequest, **arguments: int) -> HttpResponse:
        return view(request, **arguments)

    return answer


@async_only_middleware
def hooks(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """Make the middleware that does nothing before a request and nothing after it."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        return await get_response(request)

    return middleware


async def sign_in(request: HttpRequest) -> HttpResponse:
    await request.session.aupdate(SIGNED_IN)
    return HttpResponse("signed in")


async def read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello, {await request.session.aget('user')}!")


urlpatterns = [
    path("", as_async(text)),
    path("json", as_async(mapping)),
    path("user/<int:number>", as_async(user)),
    path("rows", as_async(page)),
    path("form", as_async(form)),
    path("upload", as_async(upload)),
    path("static/<path:path>", serve, {"document_root": STATIC}),
    path("sign-in", sign_in),
    path("session", read),
]

LACKS = ("socket",)  # Django has no WebSockets; Channels, a package of its own, brings them


def plain(folder: str) -> ASGIHandler:
    configure(folder, __name__)
    return made(ASGIHandler)


def cookie(folder: str) -> ASGIHandler:
    configure(folder, __name__)
    return made(ASGIHandler, "signed_cookies", f"{__name__}.hooks")


def stored(folder: str) -> ASGIHandler:
    configure(folder, __name__)
    with ThreadPoolExecutor(1) as thread:  # the loop is running, and Django refuses to wait for a database on it
        thread.submit(call_command, "migrate", verbosity=0).result()
    return made(ASGIHandler, "db", f"{__name__}.hooks")
