"""Blueprints: nested, registered twice, with folders, prefixes, subdomains and hooks of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from erlen import Blueprint, Erlen, g, render_template, render_template_string, request, url_for
from erlen.blueprints import BlueprintSetupState
from erlen.errors import SetupError, SetupFinished

# --- endpoints, prefixes and names ---


def test_its_endpoints_begin_with_its_name_and_its_rules_with_its_prefix(app: Any) -> None:
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @shop.route("/item/<int:id>")
    def item(id: int) -> str:
        return f"{request.endpoint} {request.blueprint} {request.blueprints} {url_for('.item', id=id + 1)}"

    app.register_blueprint(shop)
    assert app.test_client().get("/shop/item/1").text == "shop.item shop ['shop'] /shop/item/2"
    assert list(app.iter_blueprints()) == [shop]
    assert app.blueprints == {"shop": shop}
    assert repr(shop) == "<Blueprint 'shop'>"


@pytest.mark.parametrize(
    ("prefix", "rule", "url"),
    [
        ("/a", "/b", "/a/b"), ("/a/", "/b", "/a/b"), ("/a", "b", "/a/b"), ("/a/", "", "/a/"), ("/a", "", "/a"),
        ("/a", "/", "/a/"), ("/", "/b", "/b"), (None, "/b", "/b"),
    ],
)  # fmt: skip
def test_prefix_and_rule_are_joined_by_one_slash(app: Any, prefix: str | None, rule: str, url: str) -> None:
    part = Blueprint("part", __name__, url_prefix=prefix)
    part.add_url_rule(rule, "view", lambda: "x")
    app.register_blueprint(part)
    assert [str(rule) for rule in app.url_map.iter_rules("part.view")] == [url]


def test_options_of_the_registration_win_over_those_of_the_blueprint(app: Any) -> None:
    part = Blueprint("part", __name__, url_prefix="/own", url_defaults={"language": "en", "page": 1})
    part.add_url_rule("/", "view", lambda language, page, size: f"{language} {page} {size}", defaults={"size": 9})
    app.register_blueprint(part, url_prefix="/given", url_defaults={"language": "fr"})
    assert app.test_client().get("/given/").text == "fr 1 9"
    assert app.test_client().get("/own/").status_code == 404


def test_it_may_be_registered_twice_under_names(app: Any) -> None:
    part = Blueprint("part", __name__)

    @part.before_request
    def before() -> None:
        g.count = g.get("count", 0) + 1

    @part.route("/")
    def index() -> str:
        return f"{request.blueprint} {url_for('.index')} {g.count}"

    app.register_blueprint(part, url_prefix="/one")
    app.register_blueprint(part, name="other", url_prefix="/two")
    client = app.test_client()
    assert client.get("/one/").text == "part /one/ 1"
    assert client.get("/two/").text == "other /two/ 1"


def test_what_concerns_the_whole_application_is_recorded_once(app: Any) -> None:
    ran: list[str] = []
    part = Blueprint("part", __name__)
    part.before_app_request(lambda: ran.append("before"))
    part.record_once(lambda state: ran.append(f"once {state.name}"))
    part.record(lambda state: ran.append(f"each {state.name} {state.first_registration}"))
    app.register_blueprint(part)
    app.register_blueprint(part, name="other")
    app.test_client().get("/")
    assert ran == ["once part", "each part True", "each other False", "before"]


def test_a_name_that_is_taken_is_refused_with_the_way_out(app: Any) -> None:
    part = Blueprint("part", __name__)
    app.register_blueprint(part)
    with pytest.raises(ValueError, match="is already registered for this blueprint") as caught:
        app.register_blueprint(part)
    assert str(caught.value) == (
        "The name 'part' is already registered for this blueprint. Use 'name=' to provide a unique name: "
        "register_blueprint(..., name='part_2')."
    )
    with pytest.raises(ValueError, match=f"registered for another blueprint, of '{__name__}'. Use 'name='"):
        app.register_blueprint(Blueprint("part", "elsewhere", root_path="/"))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Blueprint("", __name__),
            "A blueprint needs a name, because its endpoints begin with it: 'name' may not be empty.",
        ),
        (
            lambda: Blueprint("a.b", __name__),
            (
                "The blueprint name 'a.b': 'name' may not contain a dot '.' character, because dots separate nested "
                "names. Use 'a_b'."
            ),
        ),
        (
            lambda: Blueprint("a", __name__).add_url_rule("/", "b.c", lambda: "x"),
            (
                "The endpoint 'b.c' of a blueprint: 'endpoint' may not contain a dot '.' character, because the name "
                "of the blueprint is put in front."
            ),
        ),
    ],
)
def test_names_with_dots_and_without_letters_are_refused(make: Any, text: str) -> None:
    with pytest.raises(SetupError) as caught:
        make()
    assert str(caught.value) == text
    assert isinstance(caught.value, ValueError)


def test_a_view_whose_name_has_a_dot_is_refused() -> None:
    def view() -> str:
        return "x"

    view.__name__ = "a.b"
    with pytest.raises(ValueError, match=r"'view_func' name may not contain a dot .* Write endpoint='...'"):
        Blueprint("part", __name__).add_url_rule("/", view_func=view)


def test_a_blueprint_cannot_be_registered_on_itself() -> None:
    part = Blueprint("part", __name__)
    with pytest.raises(ValueError, match=r"The blueprint 'part' cannot be registered on itself."):
        part.register_blueprint(part)


def test_changing_it_after_its_registration_is_refused_with_the_reason(app: Any) -> None:
    part = Blueprint("part", __name__)
    app.register_blueprint(part)
    with pytest.raises(SetupFinished) as caught:
        part.route("/late")(lambda: "x")
    text = str(caught.value)
    assert "can no longer be called on the blueprint 'part'" in text
    assert "It has already been registered at least once" in text
    assert "first request" not in text
    with pytest.raises(AssertionError, match="register_blueprint"):
        part.register_blueprint(Blueprint("late", __name__))
    with pytest.raises(AssertionError, match="before_app_request"):
        part.before_app_request(lambda: None)


# --- nesting ---


def test_nested_blueprints_join_names_prefixes_and_hooks(app: Any) -> None:
    log: list[str] = []
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    middle = Blueprint("middle", __name__, url_prefix="/middle")
    inner = Blueprint("inner", __name__)
    for part in (outer, middle, inner):
        part.before_request(lambda name=part.name: log.append(name))

    @inner.route("/page")
    def page() -> str:
        return f"{request.endpoint} {request.blueprints} {url_for('.page')}"

    middle.register_blueprint(inner, url_prefix="/given")
    outer.register_blueprint(middle)
    app.register_blueprint(outer)
    text = app.test_client().get("/outer/middle/given/page").text
    assert text == ("outer.middle.inner.page ['outer.middle.inner', 'outer.middle', 'outer'] /outer/middle/given/page")
    assert log == ["outer", "middle", "inner"]
    assert list(app.blueprints) == ["outer", "outer.middle", "outer.middle.inner"]


@pytest.mark.parametrize(
    ("outer", "inner", "url"), [("/o", None, "/o/x"), (None, "/i", "/i/x"), (None, None, "/x"), ("/o/", "/i", "/o/i/x")]
)
def test_prefixes_of_nested_ones_are_joined_where_there_are_any(
    app: Any, outer: str | None, inner: str | None, url: str
) -> None:
    one, two = Blueprint("one", __name__, url_prefix=outer), Blueprint("two", __name__, url_prefix=inner)
    two.add_url_rule("/x", "x", lambda: "x")
    one.register_blueprint(two)
    app.register_blueprint(one)
    assert [str(rule) for rule in app.url_map.iter_rules("one.two.x")] == [url]


@pytest.mark.parametrize(
    ("outer", "inner", "given", "whole"),
    [
        ("shop", None, None, "shop"), (None, "api", None, "api"), ("shop", "api", None, "api.shop"),
        ("shop", "api", "v2", "v2.shop"), (None, None, None, None),
    ],
)  # fmt: skip
def test_subdomains_of_nested_ones_are_joined(
    make_app: Any, outer: str | None, inner: str | None, given: str | None, whole: str | None
) -> None:
    class Subdomains(Erlen):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, subdomain_matching=True, **kwargs)

    app = make_app(Subdomains, SERVER_NAME="example.org")
    one, two = Blueprint("one", __name__, subdomain=outer), Blueprint("two", __name__, subdomain=inner)
    two.add_url_rule("/x", "x", lambda: "x")
    one.register_blueprint(two, **({} if given is None else {"subdomain": given}))
    app.register_blueprint(one)
    assert app.test_client().get("/x", subdomain=whole).text == "x"


def test_a_subdomain_may_be_given_at_the_registration(make_app: Any) -> None:
    class Subdomains(Erlen):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, subdomain_matching=True, **kwargs)

    app = make_app(Subdomains, SERVER_NAME="example.org")
    part = Blueprint("part", __name__, subdomain="own")
    part.add_url_rule("/x", "x", lambda: url_for(".x", _external=True))
    app.register_blueprint(part, subdomain="given")
    assert app.test_client().get("/x", subdomain="given").text == "http://given.example.org/x"
    assert app.test_client().get("/x", subdomain="own").status_code == 404


def test_one_blueprint_may_be_nested_in_two(app: Any) -> None:
    child = Blueprint("child", __name__)
    child.add_url_rule("/x", "x", lambda: request.endpoint)
    for name in ("one", "two"):
        parent = Blueprint(name, __name__, url_prefix=f"/{name}")
        parent.register_blueprint(child)
        app.register_blueprint(parent)
    client = app.test_client()
    assert client.get("/one/x").text == "one.child.x"
    assert client.get("/two/x").text == "two.child.x"


def test_a_nested_one_may_be_given_a_name(app: Any) -> None:
    parent, child = Blueprint("parent", __name__), Blueprint("child", __name__)
    child.add_url_rule("/x", "x", lambda: request.endpoint)
    parent.register_blueprint(child, name="renamed")
    app.register_blueprint(parent)
    assert app.test_client().get("/x").text == "parent.renamed.x"


def test_relative_endpoints_belong_to_the_innermost_blueprint(app: Any) -> None:
    parent, child = Blueprint("parent", __name__, url_prefix="/p"), Blueprint("child", __name__, url_prefix="/c")
    parent.add_url_rule("/x", "x", lambda: url_for(".x"))
    child.add_url_rule("/x", "x", lambda: f"{url_for('.x')} {url_for('parent.x')}")
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    assert app.test_client().get("/p/c/x").text == "/p/c/x /p/x"
    assert app.test_client().get("/p/x").text == "/p/x"


# --- hooks ---


def test_its_hooks_concern_its_own_requests_alone(app: Any) -> None:
    log: list[str] = []
    part = Blueprint("part", __name__, url_prefix="/part")
    part.before_request(lambda: log.append("before"))
    part.after_request(lambda response: log.append("after") or response)
    part.teardown_request(lambda error: log.append("teardown"))
    part.url_value_preprocessor(lambda endpoint, values: log.append("preprocessor"))
    part.add_url_rule("/", "index", lambda: "part")
    app.add_url_rule("/", "index", lambda: "app")
    app.register_blueprint(part)
    client = app.test_client()
    client.get("/")
    client.get("/part/nowhere")
    assert log == []
    client.get("/part/")
    assert log == ["preprocessor", "before", "after", "teardown"]


def test_its_app_hooks_concern_all_requests(app: Any) -> None:
    log: list[str] = []
    part = Blueprint("part", __name__)

    @part.before_app_request
    def before() -> None:
        log.append("before")

    @part.after_app_request
    def after(response: Any) -> Any:
        log.append("after")
        return response

    @part.teardown_app_request
    def teardown(error: Any) -> None:
        log.append("teardown")

    @part.app_url_value_preprocessor
    def preprocess(endpoint: Any, values: Any) -> None:
        log.append("preprocessor")

    @part.before_app_first_request
    def first() -> None:
        log.append("first")

    @part.before_app_first_visit
    def visit() -> None:
        log.append("visit")

    @part.app_errorhandler(404)
    def handle(error: Any) -> Any:
        return "none of ours", 404

    app.route("/")(lambda: "app")
    app.register_blueprint(part)
    client = app.test_client()
    assert client.get("/").text == "app"
    assert log == ["first", "preprocessor", "visit", "before", "after", "teardown"]
    assert client.get("/nowhere").text == "none of ours"


def test_its_url_defaults_and_those_for_the_whole_application(app: Any) -> None:
    part = Blueprint("part", __name__, url_prefix="/part")

    @part.url_defaults
    def own(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("own", endpoint)

    @part.app_url_defaults
    def of_all(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("all", 1)

    part.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/", "index", lambda: "x")
    app.register_blueprint(part)
    with app.test_request_context("/"):
        assert url_for("index") == "/?all=1"
        assert url_for("part.index") in ("/part/?all=1&own=part.index", "/part/?own=part.index&all=1")


def test_its_error_handlers_by_code_and_class(app: Any) -> None:
    part = Blueprint("part", __name__, url_prefix="/part")
    part.errorhandler(ZeroDivisionError)(lambda error: "part")
    part.register_error_handler(403, lambda error: ("forbidden in part", 403))
    part.add_url_rule("/", "index", lambda: 1 / 0)
    app.add_url_rule("/", "index", lambda: 1 / 0)
    app.register_blueprint(part)
    client = app.test_client()
    assert client.get("/part/").text == "part"
    assert client.get("/").status_code == 500


def test_hooks_of_scopes_written_into_its_registries_move_with_it(app: Any) -> None:
    parent, child = Blueprint("parent", __name__), Blueprint("child", __name__)
    parent.before_request_funcs["child"].append(lambda: "from the parent's registry")
    parent.error_handler_spec["child"][None][ZeroDivisionError] = lambda error: "handled"
    child.add_url_rule("/x", "x", lambda: "view")
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    assert app.test_client().get("/x").text == "from the parent's registry"
    assert ZeroDivisionError in app.error_handler_spec["parent.child"][None]


def test_endpoint_gives_a_view_to_a_rule_that_was_added_without_one(app: Any) -> None:
    part = Blueprint("part", __name__)
    part.add_url_rule("/x", endpoint="named")

    @part.endpoint("part.named")
    def view() -> str:
        return "named"

    app.register_blueprint(part)
    assert app.test_client().get("/x").text == "named"


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_it_has_a_decorator_for_each_method(app: Any, method: str) -> None:
    part = Blueprint("part", __name__)
    getattr(part, method)("/x")(lambda: request.method)
    app.register_blueprint(part)
    assert app.test_client().open("/x", method=method.upper()).text == method.upper()
    with pytest.raises(TypeError, match="Use the 'route' decorator to use the 'methods' argument"):
        getattr(Blueprint("other", __name__), method)("/x", methods=["GET"])


# --- templates and files ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a blueprint, with a template and a static file."""
    root = tmp_path / "part"
    (root / "templates" / "part").mkdir(parents=True)
    (root / "templates" / "part" / "page.html").write_text("part says {{ word }} {{ 'x' | loud }}")
    (root / "templates" / "shared.html").write_text("of the blueprint")
    (root / "files").mkdir()
    (root / "files" / "style.css").write_text("body {}")
    (root / "notes.txt").write_text("notés", encoding="utf-8")
    return root


def test_its_templates_filters_tests_globals_and_values(app: Any, folder: Path, tmp_path: Path) -> None:
    part = Blueprint("part", __name__, template_folder="templates", root_path=str(folder), url_prefix="/part")

    @part.app_template_filter("loud")
    def shout(text: str) -> str:
        return text.upper()

    @part.app_template_filter()
    def twice(text: str) -> str:
        return text * 2

    @part.app_template_test()
    def big(value: int) -> bool:
        return value > 9

    @part.app_template_test("tiny")
    def small(value: int) -> bool:
        return value < 2

    @part.app_template_global
    def answer() -> int:
        return 42

    @part.app_template_global("question")
    def ask() -> str:
        return "?"

    part.add_app_template_filter(lambda text: text[::-1], "backwards")
    part.add_app_template_test(lambda value: value == 0, "zero")
    part.add_app_template_global(lambda: "g", "letter")
    part.context_processor(lambda: {"word": "hello"})
    part.app_context_processor(lambda: {"everywhere": "all"})
    part.add_url_rule("/", "page", lambda: render_template("part/page.html"))
    text = (
        "{{ 'ab' | loud }} {{ 'ab' | twice }} {{ 10 is big }} {{ 1 is tiny }} {{ answer() }}{{ question() }} "
        "{{ 'ab' | backwards }} {{ 0 is zero }} {{ letter() }} {{ everywhere }} {{ word is defined }}"
    )
    app.add_url_rule("/", "index", lambda: render_template_string(text))
    app.register_blueprint(part)
    client = app.test_client()
    assert client.get("/part/").text == "part says hello X"
    assert client.get("/").text == "AB abab True True 42? ba True g all False"


def test_the_applications_templates_come_before_the_blueprints(app: Any, folder: Path, tmp_path: Path) -> None:
    part = Blueprint("part", __name__, template_folder=str(folder / "templates"))
    app.register_blueprint(part)
    with app.app_context():
        assert render_template("shared.html") == "of the blueprint"
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "shared.html").write_text("of the application")
    app.jinja_env.cache.clear()
    with app.app_context():
        assert render_template("shared.html") == "of the application"


def test_its_static_files(app: Any, folder: Path) -> None:
    part = Blueprint("part", __name__, static_folder="files", root_path=str(folder), url_prefix="/part")
    app.register_blueprint(part)
    with app.test_client().get("/part/files/style.css") as response:
        assert (response.text, response.mimetype) == ("body {}", "text/css")
    with app.test_request_context("/"):
        assert url_for("part.static", filename="style.css") == "/part/files/style.css"
    assert part.has_static_folder
    assert part.static_folder == str(folder / "files")
    assert part.static_url_path == "/files"


def test_its_static_files_under_a_path_of_their_own(app: Any, folder: Path) -> None:
    part = Blueprint(
        "part", __name__, static_folder="files/", static_url_path="/assets/", root_path=str(folder), url_prefix="/part"
    )
    app.register_blueprint(part)
    with app.test_client().get("/part/assets/style.css") as response:
        assert response.text == "body {}"


def test_open_resource_reads_what_lies_beside_its_module(folder: Path) -> None:
    part = Blueprint("part", __name__, root_path=str(folder))
    with part.open_resource("notes.txt") as file:
        assert file.read() == "notés".encode()
    with part.open_resource("notes.txt", "r") as file:
        assert file.read() == "notés"
    with part.open_resource("notes.txt", "rt", encoding="latin1") as file:
        assert file.read() == "notÃ©s"
    with pytest.raises(ValueError, match="can only be opened for reading, and the mode is 'w': use 'r', 'rt' or 'rb'"):
        part.open_resource("notes.txt", "w")


# --- the state of a registration ---


def test_a_subclass_may_have_a_state_of_its_own(app: Any) -> None:
    class State(BlueprintSetupState):
        def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
            super().add_url_rule(rule.replace("{", "<").replace("}", ">"), *args, **options)

    class Braces(Blueprint):
        def make_setup_state(self, app: Any, options: Any, first_registration: bool = False) -> Any:
            return State(self, app, options, first_registration)

    part = Braces("part", __name__)
    part.add_url_rule("/{word}", "word", lambda word: word)
    app.register_blueprint(part)
    assert app.test_client().get("/hello").text == "hello"


def test_recorded_functions_get_the_state(app: Any) -> None:
    states: list[BlueprintSetupState] = []
    part = Blueprint("part", __name__, url_prefix="/part", subdomain="sub", url_defaults={"a": 1})
    part.record(states.append)
    app.register_blueprint(part, url_prefix="/given", anything="kept")
    state = states[0]
    assert state.app is app
    assert state.blueprint is part
    assert (state.url_prefix, state.subdomain, state.name, state.name_prefix) == ("/given", "sub", "part", "")
    assert state.url_defaults == {"a": 1}
    assert state.options["anything"] == "kept"
    assert state.first_registration is True


def test_a_recorded_function_may_add_rules_without_a_name(app: Any) -> None:
    part = Blueprint("part", __name__, url_prefix="/part")

    def view() -> str:
        return request.endpoint or ""

    part.record(lambda state: state.add_url_rule("/x", view_func=view))
    app.register_blueprint(part)
    assert app.test_client().get("/part/x").text == "part.view"


def test_register_may_be_overridden(app: Any) -> None:
    class Counting(Blueprint):
        times = 0

        def register(self, app: Any, options: Any) -> None:
            self.times += 1
            super().register(app, options)

    part = Counting("part", __name__)
    app.register_blueprint(part)
    assert part.times == 1
