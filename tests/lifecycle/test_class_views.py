"""Views as classes: View and MethodView."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any, ClassVar

import pytest

from erlen import Blueprint, Erlen, request
from erlen.views import MethodView, View


def test_a_view_answers_with_dispatch_request_and_the_values_of_the_url(app: Any) -> None:
    class Hello(View):
        """Say hello."""

        def __init__(self, greeting: str, mark: str = "") -> None:
            self.greeting = greeting
            self.mark = mark

        def dispatch_request(self, name: str) -> str:
            return f"{self.greeting}, {name}{self.mark}"

    view = Hello.as_view("hello", "Good day", mark="!")
    assert (view.__name__, view.__doc__, view.__module__) == ("hello", "Say hello.", __name__)
    assert view.view_class is Hello  # type: ignore[attr-defined]
    app.add_url_rule("/hello/<name>", view_func=view)
    client = app.test_client()
    assert client.get("/hello/ada").text == "Good day, ada!"
    assert client.post("/hello/ada").status_code == 405


def test_methods_of_the_class_are_those_of_the_rule_unless_it_says_otherwise(app: Any) -> None:
    class Both(View):
        methods: ClassVar[list[str]] = ["GET", "POST"]

        def dispatch_request(self) -> str:
            return request.method

    app.add_url_rule("/both", view_func=Both.as_view("both"))
    app.add_url_rule("/put", view_func=Both.as_view("put"), methods=["PUT"])
    client = app.test_client()
    assert [client.get("/both").text, client.post("/both").text, client.put("/put").text] == ["GET", "POST", "PUT"]
    assert client.get("/put").status_code == 405


def test_options_requests_may_be_taken_over(app: Any) -> None:
    class Own(View):
        methods: ClassVar[list[str]] = ["GET", "OPTIONS"]
        provide_automatic_options = False

        def dispatch_request(self) -> str:
            return f"own {request.method}"

    app.add_url_rule("/own", view_func=Own.as_view("own"))
    assert app.test_client().options("/own").text == "own OPTIONS"


def test_an_object_is_made_for_each_request_unless_the_class_says_otherwise(app: Any) -> None:
    class Each(View):
        def __init__(self) -> None:
            self.count = 0

        def dispatch_request(self) -> str:
            self.count += 1
            return str(self.count)

    class Once(Each):
        init_every_request = False

    app.add_url_rule("/each", view_func=Each.as_view("each"))
    app.add_url_rule("/once", view_func=Once.as_view("once"))
    client = app.test_client()
    assert [client.get("/each").text for _ in range(3)] == ["1", "1", "1"]
    assert [client.get("/once").text for _ in range(3)] == ["1", "2", "3"]


def test_decorators_are_applied_the_first_one_first(app: Any) -> None:
    def mark(letter: str) -> Any:
        def decorator(view: Any) -> Any:
            assert view.__name__ == "marked"

            @functools.wraps(view)
            def wrapper(**values: Any) -> str:
                return f"{letter}({view(**values)})"

            return wrapper

        return decorator

    class Marked(View):
        decorators: ClassVar[list[Any]] = [mark("a"), mark("b")]

        def dispatch_request(self) -> str:
            return "x"

    view = Marked.as_view("marked")
    assert view.view_class is Marked  # type: ignore[attr-defined]
    app.add_url_rule("/", view_func=view)
    assert app.test_client().get("/").text == "b(a(x))"


def test_the_class_behind_a_view_function_may_be_replaced(app: Any) -> None:
    class One(View):
        def dispatch_request(self) -> str:
            return "one"

    class Two(View):
        def dispatch_request(self) -> str:
            return "two"

    view = One.as_view("view")
    view.view_class = Two  # type: ignore[attr-defined]
    app.add_url_rule("/", view_func=view)
    assert app.test_client().get("/").text == "two"


def test_a_view_without_dispatch_request_says_what_to_write(app: Any) -> None:
    class Empty(View): ...

    app.testing = True
    app.add_url_rule("/", view_func=Empty.as_view("empty"))
    with pytest.raises(NotImplementedError, match=r"Empty must have a method dispatch_request\(self, ...\)."):
        app.test_client().get("/")


def test_a_method_view_has_a_method_for_each_http_method(app: Any) -> None:
    class Counter(MethodView):
        def get(self, name: str) -> str:
            return f"get {name}"

        def post(self, name: str) -> tuple[str, int]:
            return f"post {name}", 201

        def delete(self, name: str) -> str:
            return f"delete {name}"

    assert Counter.methods == {"GET", "POST", "DELETE"}
    app.add_url_rule("/<name>", view_func=Counter.as_view("counter"))
    client = app.test_client()
    assert client.get("/a").text == "get a"
    assert client.post("/a").status_code == 201
    assert client.delete("/a").text == "delete a"
    assert client.put("/a").status_code == 405
    assert sorted(client.options("/a").headers["Allow"].split(", ")) == ["DELETE", "GET", "HEAD", "OPTIONS", "POST"]


def test_head_is_answered_by_get_where_there_is_no_head(app: Any) -> None:
    class Page(MethodView):
        def get(self) -> Any:
            return "body", {"X-By": request.method}

    class Own(MethodView):
        def get(self) -> Any:
            return "body"

        def head(self) -> Any:
            return "", {"X-By": "own head"}

    app.add_url_rule("/page", view_func=Page.as_view("page"))
    app.add_url_rule("/own", view_func=Own.as_view("own"))
    client = app.test_client()
    response = client.head("/page")
    assert (response.headers["X-By"], response.data) == ("HEAD", b"")
    assert client.head("/own").headers["X-By"] == "own head"


def test_methods_are_inherited_and_added_to(app: Any) -> None:
    class Base(MethodView):
        def get(self) -> str:
            return "get"

    class More(Base):
        def post(self) -> str:
            return "post"

    class Mixed(More, View):
        methods: ClassVar[list[str]] = ["GET"]

    class Declared(View):
        methods: ClassVar[set[str]] = {"PATCH"}

    class Both(Declared, Base):
        def patch(self) -> str:
            return "patch"

        dispatch_request = MethodView.dispatch_request

    assert Base.methods == {"GET"}
    assert More.methods == {"GET", "POST"}
    assert Mixed.methods == ["GET"]
    assert Both.methods == {"GET", "PATCH"}
    assert MethodView.methods is None
    app.add_url_rule("/", view_func=More.as_view("more"))
    assert app.test_client().get("/").text == "get"
    assert app.test_client().post("/").text == "post"


def test_a_method_view_without_methods_has_none() -> None:
    class Empty(MethodView): ...

    assert Empty.methods is None


def test_a_method_that_the_rule_takes_and_the_class_has_not_is_explained(app: Any) -> None:
    class Page(MethodView):
        def get(self) -> str:
            return "x"

    app.testing = True
    app.add_url_rule("/", view_func=Page.as_view("page"), methods=["GET", "PUT"])
    with pytest.raises(NotImplementedError, match=r"Page takes PUT requests and has no method put\(\)."):
        app.test_client().put("/")


def test_class_views_work_on_blueprints(app: Any) -> None:
    class Page(MethodView):
        def get(self) -> str:
            return request.endpoint or ""

    part = Blueprint("part", __name__)
    part.add_url_rule("/", view_func=Page.as_view("page"))
    app.register_blueprint(part)
    assert app.test_client().get("/").text == "part.page"


def _thread() -> str:
    return threading.current_thread().name


def test_async_methods_run_on_the_loop_and_plain_ones_in_a_thread(app: Any) -> None:
    class Both(MethodView):
        async def get(self, word: str) -> str:
            await asyncio.sleep(0)
            return f"{word} {_thread()}"

        def post(self, word: str) -> str:
            return f"{word} {_thread()}"

    app.add_url_rule("/<word>", view_func=Both.as_view("both"))
    client = app.test_client()
    assert client.get("/a").text == "a erlen-loop"
    assert client.head("/a").status_code == 200
    assert client.post("/a").text != "a erlen-loop"


@pytest.mark.parametrize("interface", ["asgi"])
def test_async_methods_keep_no_thread_while_they_wait(make_app: Any) -> None:
    app = make_app(THREADS=1)
    state: dict[str, Any] = {"arrived": 0}

    async def meet() -> str:
        event = state.setdefault("event", asyncio.Event())
        state["arrived"] += 1
        if state["arrived"] == 20:
            event.set()
        await event.wait()
        return "met"

    class Page(MethodView):
        async def get(self) -> str:
            return await meet()

    class Mixed(MethodView):
        async def get(self) -> str:
            return await meet()

        def post(self) -> str:
            return "plain"

    class Single(View):
        def __init__(self) -> None:
            self.meet = meet

        async def dispatch_request(self) -> str:
            return await self.meet()

    for view in (Page, Mixed, Single):
        app.add_url_rule(f"/{view.__name__}", view_func=view.as_view(view.__name__))
    answers: list[str] = []
    paths = ["/Page", "/Mixed", "/Single", "/Page"] * 5
    threads = [
        threading.Thread(target=lambda path=path: answers.append(app.test_client().get(path).text)) for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["met"] * 20


def test_decorators_of_both_colours_wrap_async_methods(app: Any) -> None:
    def shout(view: Any) -> Any:
        def plain(**values: Any) -> Any:
            return view(**values) + "!"

        return plain

    def ask(view: Any) -> Any:
        async def awaiting(**values: Any) -> Any:
            return await view(**values) + "?"

        return awaiting

    class Page(MethodView):
        async def get(self) -> str:
            await asyncio.sleep(0)
            return "async"

    class Plainly(Page):
        decorators: ClassVar[list[Any]] = [shout]

    class Awaiting(Page):
        decorators: ClassVar[list[Any]] = [ask]

    class Single(View):
        decorators: ClassVar[list[Any]] = [ask]

        async def dispatch_request(self) -> str:
            return "single"

    for number, cls in enumerate((Plainly, Awaiting, Single)):
        app.add_url_rule(f"/{number}", view_func=cls.as_view(str(number)))
    page = Page.as_view("outside")
    app.add_url_rule("/outside", view_func=functools.update_wrapper(shout(page), page))
    client = app.test_client()
    assert [client.get(f"/{number}").text for number in range(3)] == ["async!", "async?", "single?"]
    assert client.get("/outside").text == "async!"


def test_an_async_dispatch_request_may_hand_over_to_the_one_it_overrides(app: Any) -> None:
    class Page(MethodView):
        async def dispatch_request(self, **values: Any) -> Any:
            return f"own {await super().dispatch_request(**values)}"

        async def get(self) -> str:
            await asyncio.sleep(0)
            return request.path

    class Plain(MethodView):
        def dispatch_request(self, **values: Any) -> Any:
            return f"own {super().dispatch_request(**values)}"

        async def get(self) -> str:
            await asyncio.sleep(0)
            return request.path

    app.add_url_rule("/page", view_func=Page.as_view("page"))
    app.add_url_rule("/plain", view_func=Plain.as_view("plain"))
    client = app.test_client()
    assert client.get("/page").text == "own /page"
    assert client.get("/plain").text == "own /plain"


def test_an_application_with_its_own_way_to_run_async_code_runs_async_methods_by_it(make_app: Any) -> None:
    called: list[str] = []

    class Own(Erlen):
        def async_to_sync(self, func: Any) -> Any:
            called.append(func.__name__)
            return super().async_to_sync(func)

    app = make_app(Own)

    class Page(MethodView):
        async def get(self) -> str:
            return "x"

    app.add_url_rule("/", view_func=Page.as_view("page"))
    assert app.test_client().get("/").text == "x"
    assert called == ["get"]
