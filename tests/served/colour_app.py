"""The same application in several mixtures of plain and async code, mounted side by side."""

from __future__ import annotations

import asyncio
import functools
import threading
from contextvars import ContextVar
from pathlib import Path

import httpx

from erlen import (
    Erlen,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    got_request_exception,
    has_app_context,
    nonblocking,
    render_template_string,
    render_template_string_async,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    session,
)
from erlen.views import MethodView, View

HERE = Path(__file__).resolve().parent
ROLES = [
    *("preprocess", "first", "visit", "before", "view", "handler", "after_this", "after", "teardown", "teardown_app"),
    *("processor", "pushed", "started", "exception", "finished", "tearing", "popped"),
]

trail = ContextVar("trail", default="")
receivers = []  # signals hold them weakly


def step(name):
    trail.set(f"{trail.get()} {name}".strip())


def coloured(name, colour, function):
    """Give *function* in a colour: plain, async, or async and hidden by a decorator."""

    @functools.wraps(function)
    def plain(*args, **kwargs):
        if has_app_context():  # the last signal comes after it
            g.setdefault("threads", set()).add(threading.get_ident())
        return function(*args, **kwargs)

    if colour == "plain":
        return plain

    @functools.wraps(function)
    async def asynchronous(*args, **kwargs):
        await asyncio.sleep(0)
        result = function(*args, **kwargs)
        await asyncio.sleep(0)
        return result

    if colour == "async":
        return asynchronous
    return lambda *args, **kwargs: asynchronous(*args, **kwargs)


def build(name, colour_of):
    app = Erlen(name, instance_path=str(HERE / f"instance_{name}"))
    app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")
    ended = []

    def role(role, function):
        return coloured(role, colour_of(ROLES.index(role)), function)

    app.url_value_preprocessor(role("preprocess", lambda endpoint, values: step("preprocess")))
    app.before_first_request(role("first", lambda: step("first")))
    app.before_first_visit(role("visit", lambda: step("visit")))
    app.before_request(role("before", lambda: step("before")))
    app.context_processor(role("processor", lambda: {"word": "processed"}))
    app.teardown_request(role("teardown", lambda error: step("teardown")))

    def after(response):
        step("after")
        return response

    def after_this(response):
        step("after_this")
        return response

    def teardown_app(error):
        step("teardown_app")
        ended.append((trail.get(), len(g.get("threads", ()))))

    def handler(error):
        step("handler")
        return {"word": str(error), "g": g.word, "app": current_app.name, "path": request.path}

    def view(word):
        step("view")
        g.word = word
        after_this_request(role("after_this", after_this))
        raise LookupError(word)

    app.after_request(role("after", after))
    app.teardown_appcontext(role("teardown_app", teardown_app))
    app.register_error_handler(LookupError, role("handler", handler))
    app.add_url_rule("/view/<word>", "view", role("view", view))

    @app.get("/ended")
    def tell():
        return [list(entry) for entry in ended]

    # Signals: all receivers have run when the answer comes.
    heard = []
    signals = {
        "pushed": appcontext_pushed, "started": request_started, "exception": got_request_exception,
        "finished": request_finished, "tearing": request_tearing_down, "popped": appcontext_popped,
    }  # fmt: skip
    for short, signal in signals.items():

        def receive(sender, short=short, **values):
            heard.append(short)

        receivers.append(coloured(short, colour_of(ROLES.index(short)), receive))
        signal.connect(receivers[-1], app)

    @app.get("/raises")
    async def raises():
        heard.clear()
        raise ValueError("nobody handles it")

    @app.get("/heard")
    def tell_heard():
        return [short for short in heard if short != "pushed" and short != "started"]

    # Class-based views.
    class Methods(MethodView):
        async def get(self, word):
            await asyncio.sleep(0)
            step("get")
            return f"async {word}"

        def post(self, word):
            step("post")
            return f"plain {word}"

    class Single(View):
        init_every_request = False

        async def dispatch_request(self):
            return request.path

    app.add_url_rule("/methods/<word>", view_func=Methods.as_view("methods"))
    app.add_url_rule("/single", view_func=Single.as_view("single"))

    # Templates.
    @app.get("/template")
    def template():
        return render_template_string("{{ word }} {{ request.path }}")

    @app.get("/template-async")
    async def template_async():
        return await render_template_string_async("{{ word }} {{ request.path }}")

    # Contexts.
    @app.get("/contexts")
    async def contexts():
        g.word = "the view's"

        def look():
            return f"{request.path} {g.get('word')}"

        async def look_async():
            await asyncio.sleep(0)
            return look()

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(look_async()),
                group.create_task(copy_current_request_context(look_async)()),
                group.create_task(asyncio.to_thread(look)),
                group.create_task(asyncio.to_thread(copy_current_request_context(look))),
            ]
        async with app.app_context():
            g.word = "inner"
        return [*(task.result() for task in tasks), g.word]

    @app.get("/quick", blocking=False)
    def quick():
        return f"{request.path} {session.get('nothing')}"

    app.before_request(nonblocking(lambda: None))
    return app


app = Erlen(__name__, instance_path=str(HERE / "instance"))
app.config.update(SECRET_KEY="a key for tests", SESSION_TYPE="memory")
MIXTURES = {
    "plain": lambda number: "plain",
    "async": lambda number: "async",
    "hidden": lambda number: "hidden",
    "even": lambda number: ("async", "plain")[number % 2],
    "odd": lambda number: ("plain", "async", "hidden")[number % 3],
}
for mixture, colour_of in MIXTURES.items():
    app.mount(f"/{mixture}", build(mixture, colour_of))
asgi = app.asgi


# An async client that all requests share.
@app.get("/number")
def number():
    return request.args["of"]


@app.get("/fetch/<int:number>")
async def fetch(number):
    client = app.extensions.get("client")
    if client is None:
        client = app.extensions["client"] = httpx.AsyncClient(verify=False)
        app.extensions["loop"] = asyncio.get_running_loop()
    assert asyncio.get_running_loop() is app.extensions["loop"]
    answers = await asyncio.gather(*(client.get(f"{request.host_url}number?of={number * n}") for n in (1, 10)))
    return [answer.text for answer in answers]


@app.get("/fetch-plainly/<int:number>")
def fetch_plainly(number):
    return current_app.ensure_sync(fetch)(number)


@app.get("/flash")
async def flash_async():
    flash("hello")
    return get_flashed_messages()
