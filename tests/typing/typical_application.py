"""What an application's code looks like to ``mypy --strict``: checked by test_typed_applications.py, never run.

Each ``reveal_type`` is followed by the type that it must reveal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any, ClassVar, reveal_type

from erlen import (
    Blueprint,
    Config,
    Erlen,
    Request,
    Response,
    abort,
    after_response,
    after_this_request,
    copy_current_request_context,
    current_app,
    flash,
    g,
    get_flashed_messages,
    has_app_context,
    has_request_context,
    jsonify,
    make_response,
    redirect,
    render_template,
    render_template_string,
    request,
    send_file,
    send_from_directory,
    session,
    stream_template,
    stream_with_context,
    url_for,
)
from erlen.testing import Client
from erlen.views import MethodView, View

app = Erlen(__name__, static_folder="assets", instance_relative_config=True)
app.config.from_mapping(SECRET_KEY="x", PERMANENT_SESSION_LIFETIME=timedelta(days=1))
app.config.from_object("config.Production")
app.config["NAME"] = "shop"
app.debug = True
app.testing = False
app.secret_key = "x"
shop = Blueprint("shop", __name__, url_prefix="/shop")


class ShopError(Exception):
    """An exception of the application."""


class Own(Erlen):
    """A subclass."""

    request_class = Request
    response_class = Response

    def make_response(self, rv: Any) -> Response:
        return super().make_response(rv)


@app.before_request
def load_user() -> None:
    g.user = session.get("user")


@app.before_request
def early() -> Response | None:
    return None


@app.before_first_request
def warm_up() -> None: ...


@app.before_serving
async def connect() -> None: ...


@app.while_serving
async def pool() -> AsyncIterator[None]:
    yield


@shop.while_app_serving
def watch() -> Iterator[None]:
    yield


@app.after_serving
def disconnect() -> None: ...


async def send(to: str, copies: int = 1) -> None: ...


def serve_here() -> None:
    with app.serving() as served:
        reveal_type(served)  # Erlen
    reveal_type(connect)  # def () -> Coroutine[Any, Any, None]
    reveal_type(pool)  # def () -> AsyncIterator[None]
    reveal_type(watch)  # def () -> Iterator[None]
    app.add_background_task(send, "ada@example.org", copies=2)
    after_response(send, "ada@example.org")


@app.before_first_visit
def greet() -> None:
    flash("Welcome!", "info")


@app.after_request
def add_header(response: Response) -> Response:
    response.headers["X-Shop"] = "yes"
    return response


@app.teardown_appcontext
def close(error: BaseException | None) -> None:
    g.pop("db", None)


@app.errorhandler(404)
def not_found(error: Exception) -> tuple[str, int]:
    return "not found", 404


@app.errorhandler(ShopError)
async def broken(error: ShopError) -> dict[str, str]:
    return {"error": str(error)}


@app.context_processor
def names() -> dict[str, Any]:
    return {"shop": "Erlen's"}


@app.url_value_preprocessor
def take_language(endpoint: str | None, values: dict[str, Any] | None) -> None: ...


@app.template_filter("euro")
def euro(value: float) -> str:
    return f"{value} €"


@app.template_filter
def dollar(value: float) -> str:
    return f"${value}"


@app.route("/text")
def text() -> str:
    return render_template("index.html", user=g.user)


@app.get("/bytes")
def data() -> bytes:
    return b""


@app.post("/dict", session="readonly")
def mapping() -> dict[str, int]:
    return {"a": 1}


@app.put("/list")
def sequence() -> list[dict[str, Any]]:
    return []


@app.delete("/tuple/<int:id>")
def pair(id: int) -> tuple[str, int]:
    return "", 204


@app.patch("/triple")
def triple() -> tuple[dict[str, str], int, dict[str, str]]:
    return {}, 201, {"X-A": "1"}


@app.route("/response", methods=["GET", "POST"])
def response() -> Response:
    answer = make_response(render_template_string("x"), 200)
    answer.set_cookie("a", "1", max_age=timedelta(days=1), samesite="Lax")
    return answer


@app.route("/generator")
def generator() -> Iterator[str]:
    @stream_with_context
    def pieces(name: str) -> Iterator[str]:
        yield name

    return pieces(request.path)


@app.route("/async")
async def waits() -> Any:
    value = await session.aincr("visits")
    return str(value)


@shop.route("/")
def index() -> Any:
    if not has_request_context() or not has_app_context():
        abort(404)
    return redirect(url_for(".index", _external=True, page=2))


@shop.route("/away")
def away() -> Response:
    return redirect("/")


@shop.app_errorhandler(500)
def failed(error: Exception) -> str:
    return ""


@app.route("/types")
def types() -> Any:
    reveal_type(request)  # Request
    reveal_type(request.args)  # MultiDict[str, str]
    reveal_type(request.args.get("page", default=1, type=int))  # int
    reveal_type(request.args["q"])  # str
    reveal_type(request.form.getlist("tag"))  # list[str]
    reveal_type(request.files["f"].filename)  # str | None
    reveal_type(request.method)  # str
    reveal_type(request.path)  # str
    reveal_type(request.headers.get("X-A"))  # str | None
    reveal_type(request.cookies.get("a"))  # str | None
    reveal_type(request.endpoint)  # str | None
    reveal_type(request.blueprints)  # list[str]
    reveal_type(request.view_args)  # dict[str, Any] | None
    reveal_type(request.get_data())  # bytes
    reveal_type(request.max_content_length)  # int | None
    reveal_type(request.is_json)  # bool
    reveal_type(request.json)  # Any
    reveal_type(session["cart"])  # Any
    reveal_type(session.get("cart"))  # Any
    reveal_type(session.permanent)  # bool
    reveal_type(session.new)  # bool
    reveal_type(session.incr("visits"))  # int
    reveal_type("cart" in session)  # bool
    reveal_type(g.anything)  # Any
    reveal_type(g.get("user"))  # Any
    reveal_type("user" in g)  # bool
    reveal_type(current_app.config)  # Config
    reveal_type(current_app.config["NAME"])  # Any
    reveal_type(current_app.debug)  # bool
    reveal_type(current_app.name)  # str
    reveal_type(current_app.logger)  # Logger
    reveal_type(current_app.extensions)  # dict[str, Any]
    reveal_type(app.testing)  # bool
    reveal_type(app.permanent_session_lifetime)  # timedelta
    reveal_type(app.test_client())  # Client
    reveal_type(app.sessions)  # UserSessions
    reveal_type(app.session_manager)  # SessionManager
    reveal_type(url_for("index"))  # str
    reveal_type(jsonify(a=1))  # Response
    reveal_type(make_response("x"))  # Response
    reveal_type(render_template("x"))  # str
    reveal_type(stream_template("x"))  # Iterator[str]
    reveal_type(send_file("x"))  # Response
    reveal_type(send_from_directory("x", "y", as_attachment=True))  # Response
    reveal_type(get_flashed_messages())  # list[Any]
    reveal_type(redirect("/").status_code)  # int
    reveal_type(app.before_request_funcs)  # dict[str | None, list[def (*Any, **Any) -> Any]]
    reveal_type(pair)  # def (id: int) -> tuple[str, int]
    reveal_type(euro)  # def (value: float) -> str
    reveal_type(close)  # def (error: BaseException | None)

    @after_this_request
    def remember(answer: Response) -> Response:
        return answer

    @copy_current_request_context
    def work(value: int) -> str:
        return str(value)

    reveal_type(work(1))  # str
    session["cart"] = []
    session.permanent = True
    del session["cart"]
    g.user = "Ada"
    current_app.config["NAME"] = "x"
    return ""


class Page(View):
    """A view as a class."""

    methods: ClassVar[list[str]] = ["GET"]

    def dispatch_request(self) -> str:
        return ""


class Detail(View):
    """A view as a class with a value of its rule."""

    async def dispatch_request(self, id: int) -> str:
        return str(id)


class Item(MethodView):
    """A method for each HTTP method."""

    def get(self, id: int) -> str:
        return str(id)


app.add_url_rule("/page", view_func=Page.as_view("page"))
app.add_url_rule("/item/<int:id>", view_func=Item.as_view("item"))
app.register_blueprint(shop, url_prefix="/other")

with app.app_context(), app.test_request_context("/", method="POST", json={}):
    pass

client: Client = app.test_client()
with client:
    client.post("/", data={"a": 1}, follow_redirects=True).get_json()
    with client.session_transaction() as opened:
        opened["user"] = "Ada"

config: Config = app.config
