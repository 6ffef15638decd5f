"""The application that bad input is tried on: every way of reading a request, and of writing an answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from werkzeug.exceptions import HTTPException

from erlen import (
    Blueprint,
    Erlen,
    Request,
    abort,
    flash,
    get_flashed_messages,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    stream_with_context,
    url_for,
)
from erlen.sessions import SecureCookieSessionInterface

HERE = Path(__file__).resolve().parent
KEY = "the key that no answer may tell"
OLDER_KEY = "the older key that no answer may tell"
OTHERS = "what another visitor has in their session"
SECRETS = (KEY, OLDER_KEY, OTHERS)
# A body is read by the views that are about bodies, each in its own way.
READ_BODY = {"data", "form", "files", "values", "json", "stream", "want_form_data_parsed"}
ATTRIBUTES = sorted(
    name
    for name in dir(Request)
    if name[0] != "_"
    and name not in READ_BODY
    and name not in ("application", "environ", "app", "body")
    and not isinstance(inspect.getattr_static(Request, name), FunctionType | classmethod | staticmethod | type)
)
assert set(ATTRIBUTES) > {"cookies", "host", "if_range", "access_route"}

PATHS = [
    "/fine",
    "/all/<path:text>",
    "/number/<int:number>",
    "/float/<float(signed=True):number>",
    "/id/<uuid:number>",
    "/word/<any(a, b, 'c d'):text>/",
    "/parts/<a>-<int:b>.<c>",
    "/page/<path:text>",
    "/form",
    "/json",
    "/data",
    "/stream",
    "/keep",
    "/look",
    "/leave",
    "/go",
    "/status/<int:number>",
    "/file/<path:name>",
    "/cookie",
    "/flash",
    "/length",
]


def text_of(value: Any) -> str:
    """Return what an answer says of a value."""
    return f"{value!r}"


def everything(**values: Any) -> Any:
    """Look at every attribute of the request."""
    found: dict[str, Any] = {}
    for name in ATTRIBUTES:
        try:
            found[name] = text_of(getattr(request, name))
        except HTTPException as error:  # a host that is none, for instance
            if error.code is None or error.code >= 500:
                raise
            found[name] = str(error.code)
    for attribute, name in (
        ("mimetypes", "text/html"),
        ("languages", "de-AT"),
        ("encodings", "gzip"),
        ("charsets", "a"),
    ):
        accepted = getattr(request, f"accept_{attribute}")
        found[name] = text_of((accepted.best_match([name]), accepted[name], name in accepted))
    given = {name: value for name, value in request.args.items() if name not in ("_scheme", "_external")}
    found["addresses"] = [url_for("fine", path=request.path, **given), url_for("fine", _external=True)]
    found["own"] = url_for(str(request.endpoint), **values)
    found["headers"] = dict(request.headers.items())
    found["values"] = {name: str(value) for name, value in values.items()}
    return jsonify(found)


def form() -> Any:
    return {
        "form": request.form.to_dict(flat=False),
        "files": [(name, file.filename, file.mimetype, len(file.read())) for name, file in request.files.items(True)],
        "values": list(request.values),
    }


def read_json() -> Any:
    silent = request.get_json(silent=True, force=True)
    return jsonify([text_of(silent), request.get_json(force="force" in request.args)])


def data() -> Any:
    return request.get_data(cache="cache" in request.args, parse_form_data="parse" in request.args)


def stream() -> Any:
    def echo() -> Iterator[bytes]:
        yield request.method.encode(errors="replace")
        while piece := request.stream.read(7):
            yield piece

    if "late" in request.args:  # read after the answer has begun: what goes wrong then cannot be answered any more
        pieces = [request.stream.read(3), request.path.encode(errors="replace")]
        return stream_with_context(iter(pieces))
    return list(echo())[-1]


def keep() -> Any:
    session["note"] = request.args.get("text", "")
    session.setdefault("list", []).append(request.cookies.to_dict())
    return make_response("kept", 201)


def look() -> Any:
    return {"held": dict(session), "new": session.new, "permanent": session.permanent}


def leave() -> Any:
    session.clear()
    return "left"


def go() -> Any:
    return redirect(request.args.get("next", request.path), code=302)


def fail(number: int) -> Any:
    return abort(number if 400 <= number < 452 and number not in (419, 420, 427, 430) else 418)


def send_a_file(name: str) -> Any:
    return send_from_directory("static", name, as_attachment="as" in request.args, download_name=request.args.get("as"))


def cookie() -> Any:
    answer = make_response({"cookies": request.cookies.to_dict(flat=False)})
    answer.set_cookie("echo", request.args.get("text", ""), samesite="Lax")
    answer.set_etag("a")
    answer.last_modified = 1_700_000_000
    return answer.make_conditional(request)


def flashing() -> Any:
    flash(request.args.get("text", ""), request.method)
    return jsonify(get_flashed_messages(with_categories=True))


def page(text: str) -> Any:
    return render_template("page.html", text=text)


def length() -> Any:
    return jsonify(request.content_length, len(request.get_data()))


VIEWS: dict[str, Callable[..., Any]] = {
    "all": everything,
    "number": everything,
    "float": everything,
    "id": everything,
    "word": everything,
    "parts": everything,
    "page": page,
    "form": form,
    "json": read_json,
    "data": data,
    "stream": stream,
    "keep": keep,
    "look": look,
    "leave": leave,
    "go": go,
    "status": fail,
    "file": send_a_file,
    "cookie": cookie,
    "flash": flashing,
    "length": length,
}


def waiting(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make an async view of a plain one."""

    async def wait(**values: Any) -> Any:
        return view(**values)

    return wait


def make_app(folder: Path, sessions: str = "memory", trusting: bool = False, **config: Any) -> Any:
    """Make the application.

    :param folder: where its instance folder is
    :param sessions: a SESSION_TYPE, or ``"interface"`` for Flask's own session interface
    :param trusting: believe the headers of a proxy
    """
    app: Any = Erlen("fuzz_app", root_path=str(HERE), instance_path=str(folder / "instance"))
    app.config.update(
        SECRET_KEY=KEY,
        SECRET_KEY_FALLBACKS=[OLDER_KEY],
        SESSION_TYPE="cookie" if sessions == "interface" else sessions,
        MAX_CONTENT_LENGTH=3000,
        MAX_FORM_MEMORY_SIZE=300,
        MAX_FORM_PARTS=6,
        MAX_COOKIE_SIZE=0,
        PROPAGATE_EXCEPTIONS=True,
        THREADS=3,
    )
    app.config.update(config)
    if sessions == "interface":
        app.session_interface = SecureCookieSessionInterface()
    if trusting:
        app.trust_proxies(x_for=1, x_proto=1, x_host=1, x_port=1, x_prefix=1)
    app.teardowns = 0
    plain, waits = Blueprint("plain", __name__, url_prefix="/p"), Blueprint("waits", __name__, url_prefix="/w")

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        app.teardowns += 1

    @waits.after_request
    def look_at_it(response: Any) -> Any:
        response.headers["X-Seen"] = "yes"
        return response

    @app.errorhandler(404)
    def missing(error: HTTPException) -> Any:
        return f"{request.method} {request.path} is missing", 404

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]

    @plain.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        return {"code": error.code, "description": error.description}, error.code or 500

    for rule in PATHS[1:]:
        name = rule.split("/")[1]
        plain.add_url_rule(rule, name, VIEWS[name], methods=every)
        waits.add_url_rule(rule, name, waiting(VIEWS[name]), methods=every)
    app.register_blueprint(plain)
    app.register_blueprint(waits)
    return app
