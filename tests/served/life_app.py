"""The application that the tests of a request's life are about; it is copied to where it is served."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from contextvars import ContextVar
from pathlib import Path

from erlen import (
    Erlen,
    Response,
    abort,
    g,
    jsonify,
    make_response,
    redirect,
    request,
    send_file,
    session,
    stream_with_context,
    url_for,
)

HERE = Path(__file__).resolve().parent

app = Erlen(__name__, instance_path=str(HERE / "instance"))
app.config.update(SECRET_KEY="a key for tests", MAX_CONTENT_LENGTH=1_000_000)


def note(mark: str, text: str) -> None:
    with open(HERE / "events", "a") as file:
        file.write(f"{mark} {text}\n")


def wait_for_gate(name: str) -> bool:
    """Wait until the test makes the file *name*; tell whether it did."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (HERE / name).exists():
            return True
        time.sleep(0.005)
    return False


class Observed:
    """Middleware: notes whether the body is the server's own file wrapper."""

    def __init__(self, wsgi_app):
        self.wsgi_app = wsgi_app

    def __call__(self, environ, start_response):
        body = self.wsgi_app(environ, start_response)
        mark = environ.get("HTTP_X_MARK")
        if mark:
            wrapper = environ.get("wsgi.file_wrapper")
            if wrapper is None:
                note(mark, "the server has no wrapper")
            elif isinstance(wrapper, type) and isinstance(body, wrapper):
                note(mark, "wrapped")
            else:
                note(mark, f"not wrapped: {type(body)}")
        return body


app.wsgi_app = Observed(app.wsgi_app)
app.trust_proxies(x_for=0, x_proto=1)
asgi = app.asgi


@app.teardown_request
def torn_down(error):
    if "mark" in (request.view_args or {}):
        note(request.view_args["mark"], "teardown")


@app.before_request
def fail_before():
    if "X-Fail-Before" in request.headers:
        raise RuntimeError("the hook before the view failed")


@app.after_request
def fail_after(response):
    if "X-Fail-After" in request.headers:
        raise RuntimeError("the hook after the view failed")
    return response


@app.get("/")
def text():
    return "plain text: grün"


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.get("/empty")
def empty():
    return "", 204


@app.route("/json", methods=["GET", "POST"])
def json():
    return {"got": request.get_json() if request.method == "POST" else None, "list": [1, 2.5, None, "ä"]}


@app.post("/form")
def form():
    return jsonify(request.form.to_dict(flat=False))


@app.post("/upload")
def upload():
    sent = request.files["file"]
    content = sent.read()
    return {"name": sent.filename, "sha256": hashlib.sha256(content).hexdigest(), "title": request.form["title"]}


@app.post("/raw")
def raw():
    return request.get_data()


@app.get("/stream/<mark>")
def stream(mark):
    def pieces():
        yield "one "
        yield f"two {request.path} " if wait_for_gate(mark) else "too late"

    return stream_with_context(pieces())


@app.get("/endless/<mark>")
def endless(mark):
    def pieces():
        stop = time.monotonic() + 20
        try:
            while time.monotonic() < stop:
                yield b"x" * 65536
        except GeneratorExit:
            note(mark, "closed")
            raise
        note(mark, "finished")

    return stream_with_context(pieces())


@app.get("/breaks/<mark>")
def breaks(mark):
    def pieces():
        yield b"a beginning"
        raise RuntimeError("the stream broke")

    return stream_with_context(pieces())


@app.get("/path/<path:word>")
def path(word):
    return {"word": word, "path": request.path, "query": request.args.to_dict(), "url": url_for("path", word=word)}


@app.get("/headers")
def headers():
    response = jsonify(word=request.headers.get("X-Word"), cookies=request.cookies.to_dict())
    response.headers["X-Word"] = "grün"
    response.set_cookie("word", "grün; süß")
    return response


@app.get("/target")
def target():
    return {"path": request.path, "host": request.host}


@app.get("/größe/")
def size():
    return "the size"


@app.get("/go")
def go():
    return redirect(url_for("path", word="grün & süß", q="ä b"))


@app.post("/only-post")
def only_post():
    return "posted"


@app.get("/download")
def download():
    return send_file(HERE / "static" / "big.bin", conditional=True)


@app.get("/conditional")
def conditional():
    response = make_response("something that has an ETag")
    response.add_etag()
    return response.make_conditional(request)


@app.get("/abort/<int:code>")
def stop(code):
    abort(code)


@app.get("/raises")
def raises():
    raise RuntimeError("the view failed")


@app.get("/teardown-fails")
def teardown_fails():
    g.fails = True
    return "said before the teardown"


@app.teardown_appcontext
def fail_at_the_end(error):
    if g.get("fails"):
        raise RuntimeError("the teardown failed")


@app.get("/async")
async def asynchronous():
    await asyncio.sleep(0)
    one, two = await asyncio.gather(asyncio.sleep(0, "a"), asyncio.sleep(0, "b"))
    return one + two + request.args["c"]


variable = ContextVar("variable", default="unset")


def seen_before():
    seen = f"{variable.get()} {g.get('left', 'unset')}"
    variable.set("left by another request")
    g.left = "left by another request"
    return seen


@app.get("/leak")
def leak():
    return seen_before()


@app.get("/leak-async")
async def leak_async():
    await asyncio.sleep(0)
    return seen_before()


@app.get("/leak-stream")
def leak_stream():
    def pieces():
        yield seen_before()

    return stream_with_context(pieces())


@app.route("/parsed", methods=["GET", "POST"])
def parsed():
    """Look at everything that a client may send."""
    fields = sorted(request.form), sorted(request.files), sorted(request.args), sorted(request.cookies)
    told = request.host, request.url, request.base_url, request.full_path, request.mimetype, request.content_length
    dates = request.if_modified_since, request.if_range, request.range, request.if_none_match, request.cache_control
    accepted = request.accept_mimetypes.best, request.accept_languages.best, request.authorization, request.access_route
    return str((request.method, fields, told, str(dates), str(accepted), request.get_json(silent=True) is None))


@app.get("/async-session")
async def async_session():
    session["word"] = "kept"
    return str(await session.aincr("visits"))


@app.get("/visit")
def visit():
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


@app.get("/look")
def look():
    return str(session.get("visits", "nothing"))


@app.get("/tasty")
def tasty():
    return {"visits": session.get("visits"), "names": sorted(request.cookies)}


@app.errorhandler(418)
def teapot(error):
    return Response("I am a teapot", 418, mimetype="text/plain")


@app.get("/waits/<mark>")
async def waits(mark):
    note(mark, "begun")
    try:
        await asyncio.sleep(20)
    except asyncio.CancelledError:
        note(mark, "cancelled")
        raise
    finally:
        note(mark, "finally")
    return "too late"


@app.get("/waits-plain/<mark>")
def waits_plain(mark):
    note(mark, "begun")
    wait_for_gate(mark)
    note(mark, "done")
    return "done"


@app.get("/threads")
def threads():
    g.threads.append(threading.get_ident())

    def pieces():
        yield str(len(set(g.threads) | {threading.get_ident()}))

    return stream_with_context(pieces())


@app.get("/threads-async")
async def threads_async():
    await asyncio.sleep(0)
    return str(len(set(g.threads)))


@app.before_request
def first_thread():
    g.threads = [threading.get_ident()]


@app.before_request
def second_thread():
    g.threads.append(threading.get_ident())
