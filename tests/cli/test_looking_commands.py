"""``erlen routes``, ``explain``, ``shell`` and ``check``: what they print, and what they exit with."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from erlen import Blueprint, Erlen
from erlen.cli import check_command, explain_command, routes_command, shell_command
from erlen.errors import SessionUnavailable
from erlen.introspect import explain, find_place, inspect_configuration, list_routes
from erlen.views import MethodView


@pytest.fixture
def app() -> Erlen:
    app = Erlen("site", static_folder=None)
    app.config["SECRET_KEY"] = "aGoodLongKeyForTheTests-0123456789"
    app.config["TRUSTED_HOSTS"] = ["localhost", ".example.com"]
    return app


def run(app: Erlen, command: Any, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(command, arguments)


def view(**values: Any) -> str:
    return "text"


VIEW_LINE = view.__code__.co_firstlineno


def test_routes_are_a_table_with_the_place_of_each_view(app: Erlen) -> None:
    app.add_url_rule("/<name>", "named", view)
    app.add_url_rule("/", "index", view, methods=["GET", "POST"])
    result = run(app, routes_command)
    lines = result.output.splitlines()
    assert lines[0].split() == ["Endpoint", "Methods", "Rule", "Defined", "at"]
    assert lines[1] == "--------  ---------  -------  " + "-" * len(lines[2][30:])
    assert lines[2].startswith("index     GET, POST  /        ")
    assert lines[2].endswith(f"test_looking_commands.py:{VIEW_LINE}")
    assert lines[3].startswith("named     GET        /<name>  ")
    assert "GET, HEAD, OPTIONS, POST" in run(app, routes_command, "--all-methods").output


def endpoints(result: Result) -> list[str]:
    return [line.split()[0] for line in result.output.splitlines()[2:]]


def test_routes_are_sorted_as_asked_for(app: Erlen) -> None:
    app.add_url_rule("/<path:rest>", "a_last", view)
    app.add_url_rule("/z", "b_text", view, methods=["DELETE"])
    app.add_url_rule("/<int:id>", "c_number", view)
    assert endpoints(run(app, routes_command)) == ["a_last", "b_text", "c_number"]
    assert endpoints(run(app, routes_command, "--sort", "match")) == ["b_text", "c_number", "a_last"]
    assert endpoints(run(app, routes_command, "-s", "rule")) == ["c_number", "a_last", "b_text"]
    assert endpoints(run(app, routes_command, "-s", "methods")) == ["b_text", "a_last", "c_number"]


def test_routes_show_hosts_and_what_is_special(app: Erlen) -> None:
    assert run(app, routes_command).output == "The application has no URL rules.\n"
    app.add_url_rule("/", "admin", view, subdomain="admin")
    app.add_url_rule("/chat", "chat", view, websocket=True)
    app.add_url_rule("/old", "old", redirect_to="/new")
    app.add_url_rule("/built", "built", build_only=True)
    app.add_url_rule("/empty", "empty")
    app.add_url_rule("/alias", "admin", view, subdomain="admin", alias=True)
    output = run(app, routes_command, "--sort", "domain").output
    assert "Subdomain" in output
    assert "WEBSOCKET" in output
    for text in ("/old  (redirects)", "/built  (builds URLs only)", "/empty  (no view)", "/alias  (alias: redirects)"):
        assert text in output
    hosts = Erlen("hosts", static_folder=None, host_matching=True)
    hosts.add_url_rule("/", "index", view, host="<name>.example.com")
    assert "Host" in run(hosts, routes_command).output
    assert "<name>.example.com" in run(hosts, routes_command, "-s", "domain").output


def test_routes_are_data_too(app: Erlen) -> None:
    app.add_url_rule("/", "index", view)
    (route,) = json.loads(run(app, routes_command, "--json").output)
    assert route["endpoint"] == "index"
    assert route["methods"] == ["GET", "HEAD", "OPTIONS"]
    assert route["view"] == "view"
    assert list_routes(app)[0].rule == "/"


class Page(MethodView):
    def get(self) -> str:
        return "page"


def test_places_are_those_of_the_users_code() -> None:
    app = Erlen(__name__)
    assert find_place(Page.as_view("page")) is not None
    assert "test_looking_commands.py" in str(find_place(Page.as_view("page")))
    assert find_place(len) is None
    assert find_place(dict) is None
    assert find_place(app.view_functions["static"]) is None


# -- explain ----------------------------------------------------------------------------------------------------------


def make_shop(app: Erlen) -> None:
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    inner = Blueprint("inner", __name__, url_prefix="/inner")

    @app.before_first_request
    def first() -> None: ...
    @app.url_value_preprocessor
    def values(endpoint: Any, values: Any) -> None: ...
    @app.before_first_visit
    def visit() -> None: ...
    @app.before_request
    def before() -> None: ...
    @app.after_request
    def after_one(response: Any) -> Any:
        return response

    @app.after_request
    def after_two(response: Any) -> Any:
        return response

    @app.teardown_request
    def teardown(error: Any) -> None: ...
    @app.teardown_appcontext
    def close(error: Any) -> None: ...
    @shop.before_request
    async def before_shop() -> None: ...
    @shop.after_request
    def after_shop(response: Any) -> Any:
        return response

    @inner.before_request
    def before_inner() -> None: ...
    @inner.teardown_request
    def teardown_inner(error: Any) -> None: ...
    @inner.errorhandler(404)
    def missing(error: Any) -> str:
        return "missing"

    @app.errorhandler(Exception)
    def anything(error: Any) -> str:
        return "anything"

    inner.add_url_rule("/<int:id>", "item", view, methods=["GET", "POST"])
    shop.register_blueprint(inner)
    app.register_blueprint(shop)


def test_explain_names_everything_that_runs_in_its_order(app: Erlen) -> None:
    make_shop(app)
    found = explain(app, "get", "/shop/inner/7")
    assert [(step.event, step.scope, step.name.rpartition(".")[2], step.is_async) for step in found.steps] == [
        ("before_first_request", None, "first", False),
        ("url_value_preprocessor", None, "values", False),
        ("before_first_visit", None, "visit", False),
        ("before_request", None, "before", False),
        ("before_request", "shop", "before_shop", True),
        ("before_request", "shop.inner", "before_inner", False),
        ("view", "shop.inner", "view", False),
        ("after_request", "shop", "after_shop", False),
        ("after_request", None, "after_two", False),
        ("after_request", None, "after_one", False),
        ("teardown_request", "shop.inner", "teardown_inner", False),
        ("teardown_request", None, "teardown", False),
        ("teardown_appcontext", None, "close", False),
    ]
    assert found.outcome == "view"
    assert found.values == {"id": "7"}
    assert found.route is not None
    assert found.route.endpoint == "shop.inner.item"
    answerers = {answerer.error: (answerer.name or "").rpartition(".")[2] for answerer in found.answerers}
    assert answerers == {
        "404": "missing",
        "405": "anything",
        "500": "anything",
        "HTTPException": "anything",
        "Exception": "anything",
    }
    assert "Something in it is async" in found.runs
    assert "It is read before the before_first_visit functions" in found.session.opened


def test_what_explain_says_is_what_a_request_does(app: Erlen) -> None:
    ran: list[str] = []

    def note(name: str) -> Any:
        def plain(*args: Any, **values: Any) -> Any:
            ran.append(name)
            return args[0] if name.startswith("after") else "text" if name == "view" else None

        plain.__name__ = plain.__qualname__ = name
        return plain

    shop = Blueprint("shop", __name__)
    for owner, of in ((app, "app"), (shop, "shop")):
        for count in "12":
            owner.before_request_funcs.setdefault(None, []).append(note(f"before_{of}_{count}"))
            owner.after_request_funcs.setdefault(None, []).append(note(f"after_{of}_{count}"))
            owner.teardown_request_funcs.setdefault(None, []).append(note(f"teardown_{of}_{count}"))
            owner.url_value_preprocessors.setdefault(None, []).append(note(f"values_{of}_{count}"))
    app.teardown_appcontext_funcs += [note("context_1"), note("context_2")]
    shop.add_url_rule("/", "index", note("view"))
    app.register_blueprint(shop)
    told = [step.name for step in explain(app, "GET", "/").steps]
    app.test_client().get("/")
    assert ran == told
    ran.clear()
    told = [step.name for step in explain(app, "GET", "/missing").steps]
    app.test_client().get("/missing")
    assert ran == told
    ran.clear()
    told = [step.name for step in explain(app, "OPTIONS", "/").steps]
    app.test_client().options("/")
    assert ran == told


def test_explain_prints_it(app: Erlen) -> None:
    make_shop(app)
    output = run(app, explain_command, "POST", "/shop/inner/7").output
    assert output.startswith("POST /shop/inner/7, host localhost\n\nAnswered by view() at ")
    assert "  Rule: /shop/inner/<int:id>, endpoint 'shop.inner.item'\n  id = 7\n" in output
    assert "before_request          shop" in output
    assert "Guard: on. A request that its browser marks as sent by another site is refused with 403." in output
    assert "Session: sqlite, mode 'shared', cookie session (__Host-session on https)." in output
    data = json.loads(run(app, explain_command, "/shop/inner/7", "--json").output)
    assert data["steps"][0]["event"] == "before_first_request"
    bare = run(Erlen("bare", static_folder=None), explain_command, "/").output
    assert "  nothing of the application's own\n" in bare


def test_explain_says_why_other_rules_lost(app: Erlen) -> None:
    app.add_url_rule("/cart/<int:id>", "number", view)
    app.add_url_rule("/cart/<name>", "name", view)
    app.add_url_rule("/cart/7", "posted", view, methods=["POST"])
    app.add_url_rule("/cart/7", "admin", view, subdomain="admin")
    app.add_url_rule("/cart/7", "chat", view, websocket=True)
    app.subdomain_matching = True
    app.config["SERVER_NAME"] = "example.com"
    found = explain(app, "GET", "/cart/7")
    reasons = {candidate.endpoint: candidate.reason for candidate in found.candidates}
    assert reasons == {
        "name": "It matches too, but '/cart/<int:id>' is tried first.",
        "posted": "It is for OPTIONS, POST, not for GET.",
        "admin": "It is for the subdomain 'admin'.",
        "chat": "It is for WebSockets.",
    }
    app.add_url_rule("/cart/7/", "slash", view)
    found = explain(app, "GET", "/cart/7")
    assert found.outcome == "redirect"
    reasons = {candidate.endpoint: candidate.reason for candidate in found.candidates}
    assert reasons["slash"] == "It has the path '/cart/7/'."
    assert reasons["number"] == "It matches too, but the redirect is found first."
    assert explain(app, "GET", "/cart/7", "admin.example.com").route.endpoint == "admin"  # type: ignore[union-attr]


def test_explain_says_what_a_path_that_matches_nothing_may_have_meant(app: Erlen) -> None:
    app.add_url_rule("/cart/<int:id>", "cart", view)
    app.add_url_rule("/about", "about", view)
    found = explain(app, "GET", "/cart/x")
    assert (found.outcome, found.status) == ("not found", 404)
    assert found.candidates[0].reason == "Its variable <int:id> does not take 'x'."
    output = run(app, explain_command, "/abuot").output
    assert "Answered with 404\n  No rule matches the path.\n" in output
    assert "Did you mean /about?" in output


@pytest.mark.parametrize(
    ("method", "path", "outcome", "words"),
    [
        ("DELETE", "/here/", "method not allowed", "The path is there, for GET, HEAD, OPTIONS."),
        ("OPTIONS", "/here/", "options", "The answer names the methods by itself."),
        ("GET", "/here", "redirect", "The canonical URL has a slash more at its end, or fewer in a row."),
        ("GET", "/page/1", "redirect", "The values are the defaults of '/page', which is the canonical URL."),
        ("GET", "/alias", "redirect", "'/alias' is an alias of another rule of the endpoint 'here'."),
        ("GET", "/old", "redirect", "'/old' has redirect_to."),
        ("GET", "/chat", "websocket", "The rule is for WebSockets, and this is a plain request."),
        ("GET", "/empty", "no view", "its endpoint 'empty' has no view: that is an error."),
    ],
)
def test_explain_knows_all_that_routing_may_answer(
    app: Erlen, method: str, path: str, outcome: str, words: str
) -> None:
    app.add_url_rule("/here/", "here", view)
    app.add_url_rule("/alias", "here", view, alias=True)
    app.add_url_rule("/page", "page", view, defaults={"number": 1})
    app.add_url_rule("/page/<int:number>", "page", view)
    app.add_url_rule("/old", "old", redirect_to="/here/")
    app.add_url_rule("/chat", "chat", view, websocket=True)
    app.add_url_rule("/empty", "empty")
    found = explain(app, method, path)
    assert found.outcome == outcome
    assert words in found.reason
    assert words in run(app, explain_command, method, path).output


def test_explain_shows_where_a_redirect_leads(app: Erlen) -> None:
    app.add_url_rule("/here/", "here", view)
    assert "Redirected with 308 to http://localhost/here/\n" in run(app, explain_command, "GET", "here").output


def test_explain_refuses_a_host_that_is_not_trusted(app: Erlen) -> None:
    found = explain(app, "GET", "/", "evil.test")
    assert (found.outcome, found.status) == ("refused", 400)
    assert "TRUSTED_HOSTS" in found.reason


def test_explain_knows_hosts(app: Erlen) -> None:
    hosts = Erlen("hosts", static_folder=None, host_matching=True)
    hosts.add_url_rule("/", "here", view, host="here.test")
    hosts.add_url_rule("/", "there", view, host="there.test")
    found = explain(hosts, "GET", "/", "here.test")
    assert found.route is not None
    assert found.route.host == "here.test"
    assert [candidate.reason for candidate in found.candidates] == ["It is for the host 'there.test'."]


def test_explain_tells_how_the_session_is_opened(app: Erlen) -> None:
    for mode, words in {
        "none": 'It is not opened: the route says session="none".',
        "readonly": "A change in it is refused.",
        "exclusive": "Other requests for the same session wait meanwhile.",
        "strict": "A change that comes too late is answered with 409.",
        "shared": "It is read when something first looks into it",
    }.items():
        app.add_url_rule(f"/{mode}", mode, view, session=mode, cross_site=True, methods=["POST"])
        found = explain(app, "POST", f"/{mode}")
        assert found.session.mode == mode
        assert words in found.session.opened
        assert found.guard.reason == "The route says cross_site=True."

    class Foreign:
        def open_session(self, app: Any, request: Any) -> None: ...

    app.config["CROSS_SITE_GUARD"] = False
    app.session_interface = Foreign()
    found = explain(app, "POST", "/shared")
    assert found.session.mode is None
    assert "Foreign.open_session() opens it, before anything else." in found.session.opened
    assert found.guard.reason == "CROSS_SITE_GUARD is off."
    app.ensure_sync = app.ensure_sync  # type: ignore[method-assign]
    assert "own ensure_sync" in explain(app, "POST", "/shared").runs


def test_explain_wants_a_method_and_a_path(app: Erlen) -> None:
    result = run(app, explain_command, "/cart", "GET")
    assert result.exit_code == 2
    assert "Give a method and a path, for instance: erlen explain POST /cart" in result.output


# -- shell ------------------------------------------------------------------------------------------------------------


def test_the_shell_has_the_application_and_what_processors_add(
    app: Erlen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.shell_context_processor(lambda: {"answer": 42})
    (tmp_path / "startup.py").write_text("STARTED = 'by startup'\n")
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "startup.py"))
    source = "print(app.name, answer, STARTED)\ng.x = 5\nprint('x' in g)\n"
    result = app.test_cli_runner().invoke(shell_command, input=source)
    assert "site 42 by startup" in result.output
    assert "True" in result.output
    banner = result.output + result.stderr
    assert "Erlen: " in banner
    assert "App: site" in banner
    assert f"Instance: {app.instance_path}" in banner


def test_the_shell_runs_a_line_of_code(app: Erlen) -> None:
    assert run(app, shell_command, "-c", "print(app.name, g)").output.startswith("site <")


# -- check ------------------------------------------------------------------------------------------------------------


def test_check_is_content_with_a_good_configuration(app: Erlen, tmp_path: Path) -> None:
    app.instance_path = str(tmp_path)
    result = run(app, check_command, "--strict")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(
        "Sessions: the store 'sqlite' answers.\n\nSettings that differ from their defaults:\n"
    )
    assert "  SECRET_KEY = '********'  (default: None)\n" in result.output
    assert "aGoodLong" not in result.output
    assert result.output.endswith("\nNothing is refused, and nothing is doubtful.\n")
    bare = Erlen("bare", static_folder=None, instance_path=str(tmp_path))
    assert "All settings have their defaults." in run(bare, check_command).output


def test_check_tells_what_is_refused_first_and_fails(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "sqlit"
    app.config["SESION_PERMANENT"] = True
    app.config["MINE"] = 1
    result = run(app, check_command)
    assert result.exit_code == 1
    assert result.output.startswith("Refused:\n  SESSION_TYPE: 'sqlit' is not accepted.")
    assert "Did you mean 'sqlite'?" in result.output
    assert "Doubtful:\n  SESION_PERMANENT: There is no such setting. Did you mean SESSION_PERMANENT?" in result.output
    assert "the store was not opened, because settings are refused." in result.output
    assert "Settings of the application's own: MINE, SESION_PERMANENT" in result.output


def test_a_store_that_cannot_be_opened_is_refused(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "nowhere:Store"
    report = inspect_configuration(app)
    assert report.sessions == "the store 'nowhere:Store' cannot be opened."
    assert "cannot be imported" in report.refused[0].text


def test_a_store_that_does_not_answer_is_doubtful(app: Erlen, monkeypatch: pytest.MonkeyPatch) -> None:
    async def load(self: Any, key: bytes, touch: bool = False) -> None:
        raise SessionUnavailable("nobody there")

    app.config["SESSION_TYPE"] = "memory"
    monkeypatch.setattr("erlen.sessions.stores.memory.MemoryStore.load", load)
    result = run(app, check_command)
    assert result.exit_code == 0
    assert "SESSION_TYPE: The store 'memory' does not answer: nobody there" in result.output
    assert run(app, check_command, "--strict").exit_code == 1


def test_a_kept_key_that_others_may_read_is_refused(app: Erlen, tmp_path: Path) -> None:
    app.config["SECRET_KEY"] = None
    app.instance_path = str(tmp_path)
    (tmp_path / "secret_key").write_text("x" * 40)
    (tmp_path / "secret_key").chmod(0o644)
    assert "Other users of this machine may read the key" in inspect_configuration(app).refused[0].text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"DEBUG": True}, "DEBUG: It is on: errors show the source code"),
        ({"TESTING": True}, "TESTING: It is on"),
        ({"SECRET_KEY": None}, "SECRET_KEY: It is not set, so sessions cannot be used."),
        ({"SECRET_KEY": "dev"}, "SECRET_KEY: It is a well-known one"),
        ({"SECRET_KEY": b"short"}, "SECRET_KEY: It is easy to guess: take 16 random bytes at least."),
        ({"SECRET_KEY": "a" * 40}, "SECRET_KEY: It is easy to guess"),
        ({"SESSION_COOKIE_SECURE": False}, "SESSION_COOKIE_SECURE: It is off"),
        ({"SESSION_COOKIE_HTTPONLY": False}, "SESSION_COOKIE_HTTPONLY: It is off"),
        ({"SESSION_COOKIE_SAMESITE": None}, "SESSION_COOKIE_SAMESITE: It is None: other sites can send"),
        ({"CROSS_SITE_GUARD": False}, "CROSS_SITE_GUARD: It is off"),
        (
            {"PERMANENT_SESSION_LIFETIME": timedelta(days=365)},
            "It is 365 days, and SESSION_ABSOLUTE_TIMEOUT ends every session after 90 days.",
        ),
        ({"SESSION_IDLE_TIMEOUT": 10**8}, "SESSION_IDLE_TIMEOUT: It is 100000000, and SESSION_ABSOLUTE_TIMEOUT"),
        ({"SESSION_TYPE": "memory"}, "SESSION_TYPE: 'memory' loses all sessions at a restart"),
        ({"SESSION_ADOPT_FLASK_SESSION": True}, "SESSION_ADOPT_FLASK_SESSION: It is on: cookies of Flask-Session lead"),
        ({"SESSION_TYPE": None}, "SESSION_TYPE: Sessions are kept nowhere"),
        ({"TRUSTED_HOSTS": None}, "TRUSTED_HOSTS: It is not set"),
        ({"SERVER_NAME": "127.0.0.1:5000"}, "SERVER_NAME: 127.0.0.1 is an address"),
        ({"SERVER_NAME": "shop"}, "SERVER_NAME: 'shop' has no dot in it"),
        ({"SERVER_NAME": "www.example.com:80"}, "SERVER_NAME: It has the port 80, which http has by itself"),
        ({"SERVER_NAME": "other.test"}, "SERVER_NAME: 'other.test' is none of TRUSTED_HOSTS"),
    ],
)
def test_check_doubts(app: Erlen, settings: dict[str, Any], words: str) -> None:
    app.instance_path = "/nowhere"
    app.config["SESSION_TYPE"] = "memory"
    app.config.update(settings)
    report = inspect_configuration(app)
    assert not report.refused
    assert any(words in finding.text for finding in report.doubtful), report.doubtful


def test_check_doubts_routes_that_cannot_be_reached_or_have_no_view(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "memory"
    app.subdomain_matching = True
    app.add_url_rule("/same", "one", view)
    app.add_url_rule("/same", "two", view)
    app.add_url_rule("/empty", "empty")
    texts = [finding.text for finding in inspect_configuration(app).doubtful]
    assert any("is the same as Rule '/same' (endpoint 'one'" in text for text in texts)
    assert any("The rule '/empty' (endpoint 'empty'" in text and "has no view" in text for text in texts)
    assert any("no subdomain can be told from the host" in text for text in texts)


def test_sessions_in_the_cookie_are_in_no_store(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "cookie"
    app.add_url_rule("/", "index", view)
    assert inspect_configuration(app).sessions == "they are kept in the cookie, and in no store."
    assert "all of it is sent as a new cookie" in explain(app, "GET", "/").session.opened


def test_a_foreign_session_interface_is_not_asked(app: Erlen) -> None:
    app.session_interface = object()
    assert "builtins.object, which was not asked." in inspect_configuration(app).sessions


def test_durations_are_told_in_words(app: Erlen) -> None:
    app.config["SESSION_TYPE"] = "memory"
    app.config["SESSION_RENEW_AFTER"] = timedelta(days=1, hours=2, minutes=1, seconds=1.5)
    app.config["SESSION_RENEW_GRACE"] = timedelta(0)
    changed = {entry.name: entry.value for entry in inspect_configuration(app).changed}
    assert changed["SESSION_RENEW_AFTER"] == "1 day 2 hours 1 minute 1.5 seconds"
    assert changed["SESSION_RENEW_GRACE"] == "0 seconds"


def test_check_says_nothing_of_a_rule_without_a_view_whose_requests_another_rule_answers(app: Erlen) -> None:
    """As in the tutorial of Flask, where it is there for building URLs."""
    app.add_url_rule("/news", "news.index", lambda: "news")
    app.add_url_rule("/news", endpoint="short")
    app.add_url_rule("/nobody", endpoint="nobody")
    doubts = " ".join(finding.text for finding in inspect_configuration(app).doubtful)
    assert "'nobody'" in doubts
    assert "'short'" not in doubts
