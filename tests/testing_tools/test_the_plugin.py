"""The pytest plugin, in projects of their own that pytest runs in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = "pytester"

SHOP = """
from erlen import Erlen, session

def create_app(name="shop", **settings):
    app = Erlen(__name__)
    app.config.update(SECRET_KEY="k", SESSION_TYPE="memory", NAME=name, **settings)

    @app.get("/")
    def index():
        return f"{name} {session.incr('visits')}"

    return app

app = create_app()
not_one = 7
def made_nothing(): ...
"""


def run(
    pytester: pytest.Pytester, test: str, *options: str, ini: str = "", plugins: tuple[str, ...] = ("erlen",)
) -> pytest.RunResult:
    """Run *test* in a project that has the module shop.

    :param plugins: the plugins that are loaded by the name of their entry point; without one, all that are installed
    """
    pytester.makepyfile(shop=SHOP)
    pytester.makepyfile(test_it=test)
    pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ini}\n")
    with pytest.MonkeyPatch.context() as patch:
        if plugins:  # loading all of them takes seconds
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        options += tuple(word for plugin in plugins for word in ("-p", plugin))
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)


ASKS_TWICE = """
    def test_one(client, app):
        assert app.config["TESTING"] and app.testing
        assert [client.get("/").text for _ in range(2)] == [f"{app.config['NAME']} 1", f"{app.config['NAME']} 2"]

    def test_two(client, app):
        assert client.get("/").text == f"{app.config['NAME']} 1"
"""


@pytest.mark.parametrize(
    "name", ["shop:app", "shop", "shop:create_app", "shop:create_app()", "shop:create_app('other', TESTING=False)"]
)
def test_the_settings_of_pytest_name_the_application(pytester: pytest.Pytester, name: str) -> None:
    run(pytester, ASKS_TWICE, ini=f"erlen_app = {name}").assert_outcomes(passed=2)


def test_the_environment_names_it_where_the_settings_do_not(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERLEN_APP", "shop:create_app('of the environment')")
    test = ASKS_TWICE + "\n    def test_three(app): assert app.config['NAME'] == 'of the environment'\n"
    run(pytester, test).assert_outcomes(passed=3)
    run(pytester, test, ini="erlen_app = shop:app").assert_outcomes(passed=2, failed=1)


def test_it_is_found_wherever_pytest_was_started(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("deeper")
    (folder / "test_deep.py").write_text("def test_it(client): assert client.get('/').text == 'shop 1'")
    pytester.makepyfile(shop=SHOP)
    pytester.makeini("[pytest]\nerlen_app = shop:app")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode()


def test_a_fixture_of_the_project_goes_first(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest, shop

        @pytest.fixture
        def app():
            return shop.create_app("of conftest")
        """
    )
    test = "def test_it(client): assert client.get('/').text == 'of conftest 1'"
    run(pytester, test, ini="erlen_app = nowhere:app").assert_outcomes(passed=1)


def test_testing_is_put_back_after_the_test(pytester: pytest.Pytester) -> None:
    test = """
        import shop

        def test_before(app):
            assert app is shop.app and app.testing

        def test_after():
            assert not shop.app.testing
    """
    run(pytester, test, ini="erlen_app = shop:app").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("", ["The fixture 'app' does not know your application.*", "*erlen_app = \"shop:app\"", "*or in the env*"]),
        ("shop:ap", ["Cannot import 'shop:ap'. The module 'shop' (*shop.py) has no attribute 'ap'. Did you mean*"]),
        ("sho:app", ["Cannot import 'sho:app'. There is no module 'sho' on the import path. Did you mean 'shop'?"]),
        ("shop:not_one", ["'shop:not_one' is 7, and the fixture 'app' needs an Erlen application."]),
        ("shop:made_nothing", ["'shop:made_nothing' made None, and the fixture 'app' needs an Erlen application."]),
        ("shop:create_app(x)", ["Cannot import 'shop:create_app(x)'. After the colon stands a name, or a call of a*"]),
        ("shop:=", ["Cannot import 'shop:='. After the colon stands a name, or a call of a factory with literals*"]),
    ],
)  # fmt: skip
def test_an_application_that_is_not_found_is_explained(pytester: pytest.Pytester, name: str, lines: list[str]) -> None:
    result = run(pytester, "def test_it(app): ...", ini=f"erlen_app = {name}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{line}" for line in lines])
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_the_runner_is_that_of_the_application(pytester: pytest.Pytester) -> None:
    test = """
        import pytest
        from erlen import Erlen

        class App(Erlen):
            def test_cli_runner(self, **kwargs):
                return "the runner", kwargs

        @pytest.fixture
        def app():
            return App(__name__)

        def test_it(runner):
            assert runner == ("the runner", {})
    """
    run(pytester, test).assert_outcomes(passed=1)


# -- the clock ---------------------------------------------------------------------------------------------------------


def test_the_clock_stands_still_and_is_moved(pytester: pytest.Pytester) -> None:
    test = """
        import asyncio, time
        from datetime import UTC, datetime, timedelta, timezone
        import pytest

        def test_it(frozen_time):
            start = time.time()
            assert datetime.now(UTC) == frozen_time.now == datetime.now(UTC)
            assert frozen_time.tick() == frozen_time.now
            frozen_time.tick(59.5)
            assert time.time() - start == pytest.approx(60.5)
            frozen_time.tick(timedelta(days=-1))
            assert time.time() - start == pytest.approx(60.5 - 86400)

        def test_moves(frozen_time):
            moment = datetime(2030, 1, 31, 12, 30, tzinfo=timezone(timedelta(hours=2)))
            assert frozen_time.move_to(moment) == moment == frozen_time.now
            assert repr(frozen_time) == "<FrozenTime 2030-01-31T10:30:00+00:00>"
            frozen_time.move_to(datetime(2030, 1, 31, 12, 30))
            assert datetime.now() == datetime(2030, 1, 31, 12, 30)
            with pytest.raises(TypeError, match="takes a datetime, not '2030-01-31': write datetime.fromisoformat"):
                frozen_time.move_to("2030-01-31")

        def test_timeouts_and_loops_go_on(frozen_time):
            before = time.monotonic()
            asyncio.run(asyncio.sleep(0.001))
            assert time.monotonic() > before

        def test_afterwards_it_goes_on():
            assert datetime.now(UTC).year < 2030
            while (now := time.time()) == time.time(): ...
    """
    run(pytester, test).assert_outcomes(passed=4)


@pytest.mark.parametrize("session_type", ["memory", "sqlite", "cookie"])
def test_sessions_and_cookies_see_the_clock(pytester: pytest.Pytester, session_type: str) -> None:
    test = f"""
        from datetime import timedelta
        import pytest
        from erlen import session
        from shop import create_app

        @pytest.fixture
        def app(tmp_path):
            app = create_app(PERMANENT_SESSION_LIFETIME=3600, SESSION_SQLITE_PATH=tmp_path / "s")
            app.config["SESSION_TYPE"] = {session_type!r}

            @app.get("/stay")
            def stay():
                session.permanent = session["kept"] = True
                return ""

            return app

        def test_the_session_ends(client, frozen_time):
            client.get("/stay")
            assert client.get("/").text == "shop 1"
            frozen_time.tick(timedelta(minutes=59))
            assert client.get("/").text == "shop 2"
            value = client.get_cookie("session").value
            frozen_time.tick(timedelta(minutes=61))
            assert client.get_cookie("session") is None
            client.set_cookie("session", value)
            assert client.get("/").text == "shop 1"
    """
    run(pytester, test).assert_outcomes(passed=1)


def test_without_time_machine_it_says_what_to_install(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import sys; sys.modules['time_machine'] = None")
    result = run(pytester, "def test_it(frozen_time): ...")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*The fixture 'frozen_time' needs a package that is not installed. *: pip install 'erlen[[]testing]'"]
    )


# -- what it costs -----------------------------------------------------------------------------------------------------


def test_a_project_that_does_not_use_it_does_not_import_erlen(pytester: pytest.Pytester) -> None:
    test = """
        import sys

        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("erlen")
            assert "pytest_erlen" in sys.modules
            assert not [name for name in sys.modules if name.partition(".")[0] in ("erlen", "werkzeug", "time_machine")]
    """
    run(pytester, test, "-p", "no:time_machine", plugins=()).assert_outcomes(passed=1)


def test_importing_erlen_does_not_import_pytest(tmp_path: Path) -> None:
    code = "import sys, erlen.testing.plugin; print('pytest' in sys.modules, 'time_machine' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_it_can_be_turned_off(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(app): ...", "-p", "no:erlen", plugins=())
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'app' not found"])


ASYNC_TESTS = """
    import asyncio, contextvars, pytest

    @pytest.mark.parametrize("number", [1, 2])
    async def test_one(async_client, app, number):
        async with async_client as client:
            assert (await client.get("/")).text == f"{app.config['NAME']} 1"
        assert asyncio.get_running_loop().is_running()

    class TestAll:
        async def test_of_a_class(self, async_client):
            assert (await async_client.get("/")).text == "shop 1"

    async def test_that_fails():
        await asyncio.sleep(0)
        assert 1 + 1 == 3
"""


def test_async_tests_are_run_where_the_settings_say_so(pytester: pytest.Pytester) -> None:
    ini = "erlen_app = shop:create_app\nerlen_async = true"
    result = run(pytester, ASYNC_TESTS, ini=ini)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*assert (1 + 1) == 3*"])


def test_async_tests_are_left_to_others_unless_the_settings_say_so(pytester: pytest.Pytester) -> None:
    result = run(pytester, ASYNC_TESTS, ini="erlen_app = shop:create_app")
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_a_test_that_another_plugin_runs_is_not_run_twice(pytester: pytest.Pytester) -> None:
    test = """
        import pytest

        ran = []

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_it(async_client, anyio_backend):
            ran.append((await async_client.get("/")).text)

        def test_afterwards():
            assert ran == ["shop 1"]
    """
    ini = "erlen_app = shop:create_app\nerlen_async = true"
    run(pytester, test, ini=ini, plugins=("erlen", "anyio")).assert_outcomes(passed=2)
