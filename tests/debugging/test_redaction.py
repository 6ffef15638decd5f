"""No secret gets onto the page, wherever it comes from and in whatever form."""

from __future__ import annotations

import base64
import html
import json
import linecache
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Authorization

from erlen import Erlen, request, session
from erlen.debugging.answer import explain
from erlen.debugging.redaction import HIDDEN, Redactor, field_is_secret, header_is_secret, known_secrets, leaves

BROWSER = {"Accept": "text/html"}

# --- names ---

SECRET_FIELDS = [
    *("password", "Password", "new_password", "newPassword", "passwd", "pass", "pwd", "user[password]", "pass_word"),
    *("secret", "client_secret", "token", "csrfToken", "csrf_token", "_xsrf", "apikey", "api_key", "API-KEY", "key"),
    *("auth", "HTTPAuth", "card", "card_number", "cardNo", "cvv", "pin", "PIN", "otp", "totp_code", "session_id"),
    *("sid", "credential", "private_key", "signature", "jwt", "iban", "security_code", "sessionToken"),
]
PLAIN_FIELDS = ["author", "keyboard", "pineapple", "cardinal", "name", "e-mail", "passage", "compass", "monkey", "2"]


@pytest.mark.parametrize("name", SECRET_FIELDS)
def test_the_name_of_a_field_promises_a_secret(name: str) -> None:
    assert field_is_secret(name)


@pytest.mark.parametrize("name", PLAIN_FIELDS)
def test_the_name_of_a_field_promises_nothing(name: str) -> None:
    assert not field_is_secret(name)


@pytest.mark.parametrize(
    "name", ["Cookie", "Authorization", "Proxy-Authorization", "X-Api-Key", "X-CSRFToken", "X-Auth-Token"]
)
def test_a_header_holds_a_credential(name: str) -> None:
    assert header_is_secret(name)


@pytest.mark.parametrize("name", ["Host", "Accept", "X-Forwarded-For", "Referer", "Origin", "X-Request-Id"])
def test_a_header_holds_none(name: str) -> None:
    assert not header_is_secret(name)


# --- texts ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("open with swordfish", "open with [hidden]"),
        ("SWORDFISH and Swordfish", "[hidden] and [hidden]"),
        ("swordfishswordfish", "[hidden]"),
        ("sword fish", "sword fish"),
        ("abc, abcd and xabc", "[hidden], abcd and xabc"),
        ("two\nlines of it", "[hidden]\n of it"),
        ("x in a box", "x in a box"),
        ("postgresql://ada:engine@db/shop", "postgresql://ada:[hidden]@db/shop"),
        ("redis://:engine@db", "redis://:[hidden]@db"),
        ("https://token1234@example.com/", "https://[hidden]@example.com/"),
        ("/reset?next=/&token=12&page=3#end", "/reset?next=/&token=[hidden]&page=3#end"),
        ("/reset?pass%77ord=abcd", "/reset?pass%77ord=[hidden]"),
        ("Authorization: Bearer abcd.efgh-ij", "Authorization: Bearer [hidden]"),
        ("İSTANBUL swordfish", "İSTANBUL [hidden]"),
    ],
)
def test_a_secret_is_replaced(text: str, shown: str) -> None:
    assert Redactor({"swordfish", "abc", "x", "two\nlines"})(text) == shown


def test_overlapping_secrets_leave_nothing_between() -> None:
    assert Redactor({"abcdef", "defghi"})("xabcdefghiy") == "x[hidden]y"


def test_without_a_secret_nothing_is_replaced() -> None:
    assert Redactor(())("a text") == "a text"


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in another case": str.swapcase,
    "repr": repr,
    "repr of bytes": lambda secret: repr(secret.encode()),
    "ascii": ascii,
    "JSON": json.dumps,
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False),
    "HTML": html.escape,
    "HTML without quotes": lambda secret: html.escape(secret, quote=False),
    "percent": quote,
    "percent, all": lambda secret: quote(secret, safe=""),
    "percent, small": lambda secret: quote(secret, safe="").lower(),
    "form": quote_plus,
    "percent twice": lambda secret: quote(quote(secret)),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 in the middle, 1": lambda secret: base64.b64encode(b"u:" + secret.encode() + b"!").decode(),
    "base64 in the middle, 2": lambda secret: base64.b64encode(b"user" + secret.encode() + b"??").decode(),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "WSGI": lambda secret: secret.encode().decode("latin1"),
}

secrets = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]) | st.sampled_from("'\"<>&%+/\\\n\t\x00äß€😀"),
    min_size=8,
    max_size=40,
).filter(lambda text: text.strip() == text and text.swapcase().swapcase() == text)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=30)
@given(secret=secrets, before=st.text(max_size=5), after=st.text(max_size=5))
def test_a_secret_is_found_in_every_form(form: str, secret: str, before: str, after: str) -> None:
    written = FORMS[form](secret)
    shown = Redactor({secret})(f"{before}{written}{after}")
    assert HIDDEN in shown
    # Of base64 some characters at both ends belong to what stands beside it.
    core = written.strip("'\"=") if "base64" not in form else written.strip("=")[6:-6]
    assert core not in shown or core in HIDDEN or core in before or core in after


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5))
def test_the_texts_inside_of_a_value_are_found(value: Any) -> None:
    def texts(one: Any) -> Iterator[str]:
        if isinstance(one, str):
            yield one
        else:
            for inner in one.values() if isinstance(one, dict) else one:
                yield from texts(inner)

    assert list(leaves(value)) == list(texts(value))


def test_bytes_and_numbers_are_texts_too() -> None:
    assert set(leaves([b"abc", 12, 1.5, {3}, True, None, object()])) == {"abc", "12", "1.5", "3"}


# --- what is known ---


def make_app(**config: Any) -> Any:
    app = Erlen("redacted", static_folder=None)
    app.logger.disabled = True  # a traceback for each example would be much to keep
    app.config.update({"SECRET_KEY": "a key for tests only", "SESSION_TYPE": "memory", "DEBUG": True, **config})
    return app


def known(app: Any, *args: Any, **kwargs: Any) -> set[str]:
    with app.test_request_context(*args, **kwargs):
        return known_secrets(app, request, None)


def test_secrets_of_the_configuration_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "from the environment")
    monkeypatch.setenv("PWD", "/srv/application")
    monkeypatch.setenv("CACHE_URL", "redis://:from-env-url@host")
    app = make_app(
        SECRET_KEY=b"k\xff",
        SECRET_KEY_FALLBACKS=["former-key"],
        SESSION_URL="redis://u:red%40is@host/0",
        DATABASE_URL="postgresql://u:postgres-password@host/db",
        STRIPE_API_KEY="stripe-key",
        MAX_TOKENS=4096,
        MAIL={"PASSWORD": ["mail-password"], "HOST": "mail-host"},
        BROKERS=["amqp://u:broker-password@host"],
        TOKEN_IN_URL="https://abcdefghijklmnopqrst@host/",
    )
    found = known(app)
    assert found >= {"kÿ", "former-key", "red%40is", "red@is", "postgres-password", "stripe-key", "mail-password"}
    assert found >= {"broker-password", "from the environment", "from-env-url", "https://abcdefghijklmnopqrst@host/"}
    assert found.isdisjoint({"4096", "mail-host", "/srv/application", "u"})


def test_secrets_of_the_request_are_known() -> None:
    found = known(
        make_app(),
        "/?token=t%C3%B6ken&page=3",
        method="POST",
        data={"new_password": "form-password", "name": "Ada"},
        headers={
            "Cookie": "session=payload-of-sixteen.signature-of-sixteen; theme=dark; plain=true; quoted=%C3%A4%20b",
            "Authorization": Authorization("basic", {"username": "ada", "password": "engine"}).to_header(),
            "Proxy-Authorization": "Bearer proxy-token",
            "X-Api-Key": "header-key",
            "Referer": "https://u:referer-password@host/",
        },
    )
    assert found >= {"töken", "t%C3%B6ken", "form-password", "payload-of-sixteen", "signature-of-sixteen", "dark"}
    assert found >= {"engine", "ada:engine", "proxy-token", "header-key", "referer-password", "ä b", "%C3%A4%20b"}
    assert found.isdisjoint({"3", "Ada", "true", ""})


def test_secrets_deep_in_a_json_body_are_known() -> None:
    body = {"users": [{"auth": {"scheme": "plain", "pins": [4711]}, "name": "Ada"}]}
    assert known(make_app(), "/", method="POST", json=body) >= {"plain", "4711"}


@pytest.mark.parametrize("header", ["Basic %%%", "Basic", "", "Digest username=ada"])
def test_a_strange_authorization_is_no_obstacle(header: str) -> None:
    known(make_app(), "/", headers={"Authorization": header})


# --- pages ---


def pages(app: Any, path: str = "/", **options: Any) -> str:
    """Return what a browser and what curl is shown, together."""
    client = app.test_client(use_cookies=False)  # it would take the place of the header
    headers = options.pop("headers", {})
    texts = []
    for accept in (BROWSER, {"Accept": "text/plain"}):
        response = client.open(path, headers={**headers, **accept}, environ_base={"erlen.propagate": False}, **options)
        assert response.status_code == 500
        assert "stands in the log" not in response.text
        texts.append(response.text)
    return "".join(texts)


def assert_hidden(page: str, secret: str) -> None:
    low = page.lower()
    for write in (str, repr, html.escape, quote, lambda text: html.escape(repr(text)), json.dumps):
        assert write(secret).strip("'\"").lower() not in low


token = st.text("abcdefghijklmnopqrstuvwxyzäß'\"<&%+\\ \u202e", min_size=8, max_size=24).map(
    lambda text: f"q{text}7"  # not a word of the page's own
)
everywhere = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@everywhere
@given(token)
@example("q12345'<b>\"&%7")
def test_a_key_of_the_configuration_is_hidden_wherever_it_stands(secret: str) -> None:
    app = make_app(PAYMENT_API_KEY=secret, SECRET_KEY=secret[::-1])

    @app.route("/<path:rest>", methods=["POST"])
    def broken(rest: str) -> Any:
        session[secret] = secret
        error = ValueError(f"{secret} {secret!r} {quote(secret)} {base64.b64encode(secret.encode())!r}", secret[::-1])
        error.add_note(f"the key was {secret}")
        try:
            raise KeyError(secret)
        except KeyError as first:
            raise ExceptionGroup(secret, [error, type(f"E{secret!r}", (Exception,), {})(secret)]) from first

    page = pages(
        app,
        f"/{quote(secret)}",
        method="POST",
        query_string={"q": secret, secret: "v"},
        data={"text": secret, secret: "v"},
        headers={"X-Text": quote(secret), "User-Agent": secret.encode().decode("latin1")},
    )
    assert_hidden(page, secret)
    assert_hidden(page, secret[::-1])


@everywhere
@given(token)
def test_a_secret_of_the_request_is_hidden_wherever_it_stands(secret: str) -> None:
    app = make_app()
    places: dict[str, dict[str, Any]] = {
        "query": {"query_string": {"access_token": secret}},
        "form": {"data": {"password": secret}},
        "json": {"json": {"deep": [{"csrf": [secret]}]}},
        "bearer": {"headers": {"Authorization": f"Bearer {base64.b64encode(secret.encode()).decode()}"}},
        "basic": {"auth": ("ada", secret)},
        "cookie": {"headers": {"Cookie": f"a=b; theme={quote(secret)}"}},
        "header": {"headers": {"X-Auth-Token": quote(secret)}},
        "referer": {"headers": {"Referer": f"http://localhost/?{urlencode({'api_key': secret})}"}},
    }

    @app.route("/<place>", methods=["POST"])
    def broken(place: str) -> Any:
        raise ValueError("" if place == "referer" else f"it was {secret} {quote(secret)}")

    for place, options in places.items():
        assert_hidden(pages(app, f"/{place}", method="POST", **options), secret)


@everywhere
@given(token)
def test_a_variable_of_the_path_with_a_secret_name_is_hidden(secret: str) -> None:
    app = make_app()

    @app.route("/reset/<token>")
    def broken(token: str) -> Any:
        raise ValueError(token)

    page = pages(app, f"/reset/{quote(secret, safe='')}")
    assert_hidden(page, secret)
    assert "  token: [hidden]\n" in page


SOURCES = [
    "def view():\n    key = {secret!r}\n    raise ValueError\n",
    "def view():\n    raise ValueError('{escaped}')\n",
    "def view():\n    raise ValueError({first!r} {second!r})\n",
    'def view():\n    raise ValueError(f"the key {{1}} {escaped}")\n',
    "def view():\n    # {comment}\n    raise ValueError\n",
    "def view():\n    raise ValueError({data!r})\n",
]


@everywhere
@given(token, st.sampled_from(SOURCES), st.integers(min_value=1, max_value=7))
def test_a_secret_in_the_source_is_hidden_however_it_is_written(secret: str, template: str, cut: int) -> None:
    source = template.format(
        secret=secret,
        escaped="".join(f"\\U{ord(character):08x}" for character in secret),
        first=secret[:cut],
        second=secret[cut:],
        comment=secret,
        data=secret.encode(),
    )
    filename = "<application of a test>.py"
    linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
    namespace: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), namespace)
    app = make_app(PAYMENT_API_KEY=secret)
    app.add_url_rule("/", "view", namespace["view"])
    page = pages(app)
    assert_hidden(page, secret)
    assert "def view():" in page
    assert "".join(f"\\U{ord(character):08x}" for character in secret) not in page
    assert f"{secret[:cut]!r} {secret[cut:]!r}" not in page


LITERALS = [
    "password = 'engine-of-ada'",
    "password: str = 'engine-of-ada'",
    "self.api_key = 'engine-of-ada'",
    "app.config['SECRET_KEY'] = b'engine-of-ada'",
    "connect(user='ada', password='engine-of-ada')",
    "login({'name': 'ada', 'password': 'engine-of-ada'})",
    "ok = password == 'engine-of-ada'",
    "SECRET_KEY = environ.get('SECRET_KEY', 'engine-of-ada')",
    "SECRET_KEY = 'x' + f'engine-of-ada'",
    "SECRET_KEYS = ['a', ('engine-of-ada',)]",
    "token = given or 'engine-of-ada'",
    "token = 'engine-of-ada' if debug else given",
    "token = 'engine-of-ada'.encode()",
    "(token := 'engine-of-ada')",
    "def inner(name, password='engine-of-ada', *, token='engine-of-ada', other=None): ...",
    'password = """engine-of-ada\nengine-of-ada"""',
]


@pytest.mark.parametrize("line", LITERALS)
def test_a_literal_that_is_given_to_a_secret_name_is_hidden(line: str, raising_source: Callable[[str], str]) -> None:
    page = raising_source(line)
    assert "engine-of-ada" not in page
    assert HIDDEN in page


@pytest.mark.parametrize(
    "line", ["password = form['password']", "key = 'name'", "name = 'ada'", "secret = get('SECRET')", "pin: int"]
)
def test_other_literals_stay(line: str, raising_source: Callable[[str], str]) -> None:
    assert line in raising_source(line)


@pytest.fixture
def raising_source() -> Callable[[str], str]:
    """Return a function that gives the page about an error beside *line*."""

    def page(line: str) -> str:
        filename = f"<line {sum(map(ord, line))}>.py"
        body = line if "\n" in line else f"    {line}"
        source = f"def view(self=None):\n    1 / 0\n{body}\n" if "\n" in line else f"def view():\n    1 / 0\n{body}\n"
        linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
        namespace: dict[str, Any] = {}
        exec(compile(source, filename, "exec"), namespace)
        app = make_app()
        app.add_url_rule("/", "view", namespace["view"])
        return pages(app)

    return page


def test_a_file_that_is_no_python_is_searched_as_text() -> None:
    app = make_app(PAYMENT_API_KEY="swordfish")
    filename = "<broken>.py"
    linecache.cache[filename] = 1, None, ["this is ( no python: swordfish\n"], filename
    namespace: dict[str, Any] = {}
    exec(compile("raising = lambda: 1 / 0", filename, "exec"), namespace)
    app.add_url_rule("/", "view", namespace["raising"])
    page = pages(app)
    assert "this is ( no python: [hidden]" in page


def test_a_secret_that_is_a_word_of_the_page_leaves_the_page_whole() -> None:
    app = make_app(PAYMENT_API_KEY="doctype html", OTHER_KEY="Traceback")

    def broken() -> Any:
        raise ValueError("see the traceback")

    app.add_url_rule("/", "broken", broken)
    page = pages(app)
    assert page.startswith("<!doctype html>")
    assert "<h2>Traceback</h2>" in page
    assert "see the [hidden]" in page


def test_the_last_look_hides_what_came_another_way() -> None:
    redact = Redactor({"swordfish", "class"})
    assert redact.last_look('<p class="x">SwordFish</p>', '<p class="x">') == '<p class="x">[hidden]</p>'


def test_a_short_secret_is_hidden_as_a_word() -> None:
    app = make_app(SECRET_KEY="dev")

    def broken() -> Any:
        raise ValueError("the key dev of a developer")

    app.add_url_rule("/", "broken", broken)
    assert "the key [hidden] of a developer" in pages(app)


def test_local_variables_are_never_shown() -> None:
    app = make_app()

    def broken() -> Any:
        local = "".join(chr(ord(character) + 1) for character in "rvnqcehrg")
        raise ValueError(len(local))

    app.add_url_rule("/", "broken", broken)
    assert "s" + "wordfish" not in pages(app)  # this line may stand on the page itself


def test_an_error_outside_of_a_request_of_the_pipeline_hides_secrets_as_well() -> None:
    app = make_app(PAYMENT_API_KEY="swordfish")
    with app.test_request_context("/"):
        assert "swordfish" not in explain(app, request, ValueError("swordfish")).get_data(as_text=True)
