"""The names of Flask 3.1, and of earlier versions, with what stands for each of them in Erlen: facts, no code.

``tests/cli/test_flask_tables.py`` holds these tables against the real Flask and against Erlen.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = [
    "ATTRIBUTES",
    "FOREIGN",
    "KEYWORDS",
    "MODULES",
    "NAMES",
    "REEXPORTS",
    "REMOVED",
    "WORDS",
    "Gone",
    "find_name",
    "find_removed",
]

MODULES: dict[str, str | None] = {
    "flask": "erlen",
    "flask.app": "erlen.app",
    "flask.blueprints": "erlen.blueprints",
    "flask.cli": "erlen.cli",
    "flask.config": "erlen.config",
    "flask.ctx": "erlen.context",
    "flask.debughelpers": None,
    "flask.globals": "erlen.globals",
    "flask.helpers": "erlen.helpers",
    "flask.json": "erlen.json",
    "flask.json.provider": "erlen.json.provider",
    "flask.json.tag": "erlen.json.tagged",
    "flask.logging": "erlen.log",
    "flask.sansio": None,
    "flask.sansio.app": None,
    "flask.sansio.blueprints": None,
    "flask.sansio.scaffold": "erlen.scaffold",
    "flask.sessions": "erlen.sessions",
    "flask.signals": "erlen.signals",
    "flask.templating": "erlen.templating",
    "flask.testing": "erlen.testing",
    "flask.typing": None,
    "flask.views": "erlen.views",
    "flask.wrappers": "erlen",
}
"""The modules of Flask, with the module of Erlen that a name of it is looked for in; None where there is none."""

# A name alone stands in Erlen's module under the same name, "name=place" elsewhere, and "name=" nowhere.
_OWN = {
    "flask": """
        Flask=erlen.Erlen
        Blueprint Config Request Response abort after_this_request appcontext_popped appcontext_pushed
        appcontext_tearing_down before_render_template copy_current_request_context current_app flash g
        get_flashed_messages get_template_attribute got_request_exception has_app_context has_request_context
        jsonify make_response message_flashed redirect render_template render_template_string request
        request_finished request_started request_tearing_down send_file send_from_directory session
        stream_template stream_template_string stream_with_context template_rendered url_for
    """,
    "flask.app": """
        Flask=erlen.Erlen T_shell_context_processor= T_teardown= T_template_filter= T_template_global=
        T_template_test= _make_timedelta= _sentinel=
    """,
    "flask.blueprints": "Blueprint _sentinel=",
    "flask.cli": """
        AppGroup CertParamType= F= FlaskGroup=erlen.cli.ErlenGroup NoAppException ScriptInfo SeparatedPathType=
        _app_option= _called_with_wrong_args= _debug_option= _env_file_callback= _env_file_option= _path_is_ancestor=
        _set_app= _set_debug= _validate_key= cli=erlen.cli.main find_app_by_string=
        find_best_app=erlen.cli.discovery.find_best_app get_version= load_dotenv locate_app= main pass_script_info
        prepare_import=erlen.cli.discovery.prepare_import routes_command run_command shell_command
        show_server_banner= version_option= with_appcontext
    """,
    "flask.config": "Config ConfigAttribute T=",
    "flask.ctx": """
        AppContext=erlen.context.Context RequestContext=erlen.context.Context _AppCtxGlobals=erlen.context.AppGlobals
        F= _sentinel= after_this_request=erlen.after_this_request
        copy_current_request_context=erlen.copy_current_request_context has_app_context has_request_context
    """,
    "flask.debughelpers": """
        DebugFilesKeyError= FormDataRoutingRedirect=erlen.steps.RedirectedForm UnexpectedUnicodeError=
        _dump_loader_info= attach_enctype_error_multidict= explain_template_loading_attempts=
    """,
    "flask.globals": """
        _cv_app= _cv_request= _no_app_msg= _no_req_msg= app_ctx current_app g request request_ctx session
    """,
    "flask.helpers": """
        _prepare_send_file_kwargs= _split_blueprint_path= abort flash get_debug_flag=erlen.cli.get_debug_flag
        get_flashed_messages get_load_dotenv= get_root_path= get_template_attribute make_response redirect send_file
        send_from_directory stream_with_context url_for
    """,
    "flask.json": "dump dumps jsonify=erlen.jsonify load loads",
    "flask.json.provider": "DefaultJSONProvider JSONProvider _default=",
    "flask.json.tag": """
        JSONTag PassDict PassList TagBytes TagDateTime TagDict TagMarkup TagTuple TagUUID TaggedJSONSerializer
    """,
    "flask.logging": "create_logger default_handler has_level_handler wsgi_errors_stream",
    "flask.sansio.app": """
        App=erlen.Erlen T_shell_context_processor= T_teardown= T_template_filter= T_template_global= T_template_test=
        _make_timedelta=
    """,
    "flask.sansio.blueprints": """
        Blueprint=erlen.Blueprint BlueprintSetupState=erlen.blueprints.BlueprintSetupState DeferredSetupFunction=
        T_after_request= T_before_request= T_error_handler= T_teardown= T_template_context_processor=
        T_template_filter= T_template_global= T_template_test= T_url_defaults= T_url_value_preprocessor= _sentinel=
    """,
    "flask.sansio.scaffold": """
        F= Scaffold T_after_request= T_before_request= T_error_handler= T_route= T_teardown=
        T_template_context_processor= T_url_defaults= T_url_value_preprocessor= _endpoint_from_view_func=
        _find_package_path= _sentinel= default_exceptions=werkzeug.exceptions.default_exceptions find_package=
        setupmethod
    """,
    "flask.sessions": """
        NullSession SecureCookieSession SecureCookieSessionInterface SessionInterface SessionMixin _lazy_sha1=
        session_json_serializer
    """,
    "flask.signals": """
        Namespace _signals= appcontext_popped appcontext_pushed appcontext_tearing_down before_render_template
        got_request_exception message_flashed request_finished request_started request_tearing_down template_rendered
    """,
    "flask.templating": """
        DispatchingJinjaLoader Environment _default_template_ctx_processor= _render= _stream=
        render_template=erlen.render_template render_template_string=erlen.render_template_string
        stream_template=erlen.stream_template stream_template_string=erlen.stream_template_string
    """,
    "flask.testing": """
        EnvironBuilder FlaskClient=erlen.testing.Client FlaskCliRunner=erlen.testing.cli_runner.ErlenCliRunner
        _get_werkzeug_version= _werkzeug_version=
    """,
    "flask.typing": """
        AfterRequestCallable= AppOrBlueprintKey= BeforeFirstRequestCallable= BeforeRequestCallable=
        ErrorHandlerCallable= HeaderValue= HeadersValue= ResponseClass= ResponseReturnValue= ResponseValue=
        RouteCallable= ShellContextProcessorCallable= TeardownCallable= TemplateContextProcessorCallable=
        TemplateFilterCallable= TemplateGlobalCallable= TemplateTestCallable= URLDefaultCallable=
        URLValuePreprocessorCallable=
    """,
    "flask.views": "F= MethodView View http_method_funcs",
    "flask.wrappers": "Request Response",
}

REEXPORTS: dict[str, str] = {
    "flask.app": """
        App AppContext BadRequestKeyError BaseResponse BuildError Environment HTTPException Headers ImmutableDict
        InternalServerError MapAdapter Request RequestContext RequestRedirect Response RoutingException Rule
        SecureCookieSessionInterface SessionInterface TracebackType _cv_app _cv_request _url_quote
        appcontext_tearing_down chain current_app g get_debug_flag get_flashed_messages get_host get_load_dotenv
        got_request_exception is_running_from_reloader iscoroutinefunction request request_ctx request_finished
        request_started request_tearing_down send_from_directory session timedelta
    """,
    "flask.blueprints": "AppGroup BlueprintSetupState SansioBlueprint current_app send_from_directory timedelta",
    "flask.cli": """
        ModuleType ParameterSource current_app get_debug_flag get_load_dotenv import_string is_running_from_reloader
        itemgetter run_simple update_wrapper
    """,
    "flask.config": "import_string",
    "flask.ctx": """
        HTTPException TracebackType _cv_app _cv_request appcontext_popped appcontext_pushed update_wrapper
    """,
    "flask.debughelpers": "App BaseLoader Blueprint RequestRedirect request_ctx",
    "flask.globals": "ContextVar LocalProxy",
    "flask.helpers": """
        BaseResponse _cv_app _cv_request _wz_abort _wz_redirect cache current_app datetime message_flashed request
        request_ctx session update_wrapper
    """,
    "flask.json": "_default current_app",
    "flask.json.provider": "date http_date",
    "flask.json.tag": "Markup UUID b64decode b64encode datetime dumps http_date loads parse_date",
    "flask.logging": "LocalProxy request",
    "flask.sansio.app": """
        Aborter BadRequest BadRequestKeyError BuildError Config ConfigAttribute DefaultJSONProvider
        DispatchingJinjaLoader Environment JSONProvider Map Response Rule Scaffold _AppCtxGlobals
        _endpoint_from_view_func _split_blueprint_path _wz_redirect cached_property chain create_logger find_package
        get_debug_flag setupmethod timedelta
    """,
    "flask.sansio.blueprints": "Scaffold _endpoint_from_view_func defaultdict setupmethod update_wrapper",
    "flask.sansio.scaffold": """
        BaseLoader FileSystemLoader HTTPException _default_template_ctx_processor cached_property defaultdict
        get_root_path update_wrapper
    """,
    "flask.sessions": """
        BadSignature CallbackDict MutableMapping TaggedJSONSerializer URLSafeTimedSerializer datetime timezone
    """,
    "flask.templating": """
        BaseEnvironment BaseLoader Template TemplateNotFound _cv_app _cv_request before_render_template current_app
        request stream_with_context template_rendered
    """,
    "flask.testing": """
        BaseRequest Client CliRunner ExitStack Result ScriptInfo SessionMixin TracebackType contextmanager copy
        urlsplit
    """,
    "flask.views": "current_app request",
    "flask.wrappers": "BadRequest HTTPException RequestBase ResponseBase _split_blueprint_path current_app",
}
"""What the modules of Flask import from elsewhere, from another module of Flask or from another package."""

# Where such a name comes from: "name" alone has the same name there.
_FOREIGN = {
    "werkzeug.exceptions": """
        Aborter BadRequest BadRequestKeyError HTTPException InternalServerError _wz_abort=abort
    """,
    "werkzeug.routing": "BuildError Map MapAdapter RequestRedirect RoutingException Rule",
    "werkzeug.wrappers": "BaseResponse=Response BaseRequest=Request RequestBase=Request ResponseBase=Response",
    "werkzeug.datastructures": "CallbackDict Headers ImmutableDict",
    "werkzeug.utils": "cached_property import_string _wz_redirect=redirect",
    "werkzeug.http": "http_date parse_date",
    "werkzeug.local": "LocalProxy",
    "werkzeug.serving": "is_running_from_reloader run_simple",
    "werkzeug.test": "Client",
    "werkzeug.wsgi": "get_host",
    "markupsafe": "Markup",
    "jinja2": "BaseEnvironment=Environment BaseLoader FileSystemLoader Template TemplateNotFound",
    "itsdangerous": "BadSignature URLSafeTimedSerializer",
    "click.core": "ParameterSource",
    "click.testing": "CliRunner Result",
    "flask.sansio.blueprints": "SansioBlueprint=Blueprint",
    "base64": "b64decode b64encode",
    "collections": "defaultdict",
    "collections.abc": "MutableMapping",
    "contextlib": "ExitStack contextmanager",
    "contextvars": "ContextVar",
    "copy": "copy",
    "datetime": "date datetime timedelta timezone",
    "functools": "cache update_wrapper",
    "inspect": "iscoroutinefunction",
    "itertools": "chain",
    "operator": "itemgetter",
    "types": "ModuleType TracebackType",
    "urllib.parse": "_url_quote=quote urlsplit",
    "uuid": "UUID",
}

WORDS: dict[str, str] = {
    "flask.Flask": "Erlen(__name__) takes the same arguments.",
    "flask.cli.locate_app": "Write ScriptInfo(app_import_path=…).load_app(), from erlen.cli.",
    "flask.cli.find_app_by_string": "Write ScriptInfo(app_import_path=…).load_app(), from erlen.cli.",
    "flask.ctx.AppContext": "Erlen has one class of contexts; a request has one context, not two.",
    "flask.ctx.RequestContext": "Erlen has one class of contexts; a request has one context, not two.",
    "flask.globals._cv_app": "Ask has_app_context(), or use app_ctx: both are names of erlen.",
    "flask.globals._cv_request": "Ask has_request_context(), or use request_ctx: both are names of erlen.",
    "flask.helpers.get_load_dotenv": "Read the environment variable ERLEN_SKIP_DOTENV.",
    "flask.helpers.get_root_path": "app.root_path and blueprint.root_path are there.",
    "flask.sansio.scaffold._endpoint_from_view_func": "Write view.__name__.",
    "flask.signals._signals": "Make signals of your own with Namespace(), from erlen.signals.",
    "flask.testing.FlaskClient": "app.test_client_class is there as well.",
    "flask.testing.FlaskCliRunner": "app.test_cli_runner_class is there as well.",
}
"""What else is to be said about a name."""

_TYPE_WORDS = "It is for type checkers alone: write the type out, or import it under TYPE_CHECKING."
_PRIVATE_WORDS = "It is private to Flask."


class Gone(Struct, frozen=True):
    """What Flask no longer has.

    :param version: the version that removed it, such as ``"Flask 2.3"``
    :param cure: what to write instead: a sentence
    :param erlen: its name in Erlen, if Erlen has it
    """

    version: str
    cure: str
    erlen: str | None = None


_STACK = "Ask has_request_context() or has_app_context(), and keep what belongs to a request in g."
_ENCODER = "Subclass DefaultJSONProvider, and give the class to app.json_provider_class."

REMOVED: dict[str, Gone] = {
    "flask.Markup": Gone("Flask 3.0", "Write: from markupsafe import Markup.", "erlen.Markup"),
    "flask.escape": Gone("Flask 3.0", "Write: from markupsafe import escape.", "erlen.escape"),
    "flask._app_ctx_stack": Gone("Flask 3.0", _STACK),
    "flask._request_ctx_stack": Gone("Flask 3.0", _STACK),
    "flask.globals._app_ctx_stack": Gone("Flask 3.0", _STACK),
    "flask.globals._request_ctx_stack": Gone("Flask 3.0", _STACK),
    "flask.signals_available": Gone("Flask 3.0", "Leave it out: signals are always there."),
    "flask.signals.signals_available": Gone("Flask 3.0", "Leave it out: signals are always there."),
    "flask.safe_join": Gone("Flask 2.1", "Write: from werkzeug.utils import safe_join."),
    "flask.helpers.safe_join": Gone("Flask 2.1", "Write: from werkzeug.utils import safe_join."),
    "flask.helpers.total_seconds": Gone("Flask 2.1", "Write delta.total_seconds()."),
    "flask.helpers.locked_cached_property": Gone("Flask 3.0", "Write: from werkzeug.utils import cached_property."),
    "flask.helpers.is_ip": Gone("Flask 3.0", "Ask ipaddress.ip_address()."),
    "flask.helpers.get_env": Gone("Flask 2.3", "Ask app.debug."),
    "flask.json_available": Gone("Flask 2.0", "Leave it out: JSON is always there."),
    "flask.ext": Gone("Flask 1.0", "Import the extension itself: flask_login for flask.ext.login."),
    "flask._compat": Gone("Flask 2.0", "Write what Python 3 has."),
    "flask.scaffold": Gone("Flask 3.0", "Write: from flask.sansio.scaffold import …", "erlen.scaffold"),
    "flask.json.JSONEncoder": Gone("Flask 2.3", _ENCODER),
    "flask.json.JSONDecoder": Gone("Flask 2.3", _ENCODER),
    "flask.json.htmlsafe_dumps": Gone("Flask 2.3", "Write: from jinja2.utils import htmlsafe_json_dumps."),
    "flask.json.htmlsafe_dump": Gone("Flask 2.3", "Write: from jinja2.utils import htmlsafe_json_dumps."),
    "flask.cli.DispatchingApp": Gone("Flask 2.2", "Leave it out: 'erlen run' reloads by itself."),
    "flask.testing.make_test_environ_builder": Gone("Flask 2.0", "Write EnvironBuilder(app, …), from flask.testing."),
}
"""Names that Flask 3.1 does not have and earlier versions had."""

_CONFIG_KEY = "Write app.config[{!r}]."

ATTRIBUTES: dict[str, Gone] = {
    "before_first_request": Gone("Flask 2.3", "Erlen has it, under the alias too.", "app.before_first_request"),
    "before_first_request_funcs": Gone("Flask 2.3", "Erlen has it.", "app.before_first_request_funcs"),
    "before_app_first_request": Gone("Flask 2.3", "Erlen has it.", "blueprint.before_app_first_request"),
    "got_first_request": Gone("Flask 3.0", "Erlen has it.", "app.got_first_request"),
    "try_trigger_before_first_request_functions": Gone("Flask 2.3", "Leave it out, or write app.test_client().get()."),
    "json_encoder": Gone("Flask 2.3", _ENCODER),
    "json_decoder": Gone("Flask 2.3", _ENCODER),
    "session_cookie_name": Gone("Flask 2.3", _CONFIG_KEY.format("SESSION_COOKIE_NAME")),
    "send_file_max_age_default": Gone("Flask 2.3", _CONFIG_KEY.format("SEND_FILE_MAX_AGE_DEFAULT")),
    "use_x_sendfile": Gone("Flask 2.3", _CONFIG_KEY.format("USE_X_SENDFILE")),
    "propagate_exceptions": Gone("Flask 2.3", _CONFIG_KEY.format("PROPAGATE_EXCEPTIONS")),
    "templates_auto_reload": Gone("Flask 2.3", _CONFIG_KEY.format("TEMPLATES_AUTO_RELOAD")),
    "preserve_context_on_exception": Gone("Flask 2.2", "Leave it out."),
    "env": Gone("Flask 2.3", "Ask app.debug."),
    "logger_name": Gone("Flask 1.0", "Leave it out: the logger has the name of the application."),
    "init_jinja_globals": Gone("Flask 1.0", "Override create_jinja_environment()."),
    "error_handlers": Gone("Flask 1.0", "Register with app.register_error_handler()."),
    "request_globals_class": Gone("Flask 1.0", "Write app_ctx_globals_class."),
    "static_path": Gone("Flask 1.0", "Write static_url_path."),
    "from_json": Gone("Flask 2.1", "Write config.from_file(name, load=json.load)."),
    "is_xhr": Gone("Werkzeug 1.0", "Ask request.headers.get('X-Requested-With')."),
}
"""Attributes of applications, blueprints, configurations and requests that are gone."""

KEYWORDS: dict[str, dict[str, Gone]] = {
    "send_file": {
        "attachment_filename": Gone("Flask 2.2", "Write download_name."),
        "cache_timeout": Gone("Flask 2.2", "Write max_age."),
        "add_etags": Gone("Flask 2.2", "Write etag."),
    },
    "send_from_directory": {
        "filename": Gone("Flask 2.2", "Write path."),
        "attachment_filename": Gone("Flask 2.2", "Write download_name."),
        "cache_timeout": Gone("Flask 2.2", "Write max_age."),
        "add_etags": Gone("Flask 2.2", "Write etag."),
    },
}
"""Parameters of functions that have other names now."""


def _own_names() -> dict[str, str | None]:
    names: dict[str, str | None] = {}
    for module, text in _OWN.items():
        for entry in text.split():
            name, other, target = entry.partition("=")
            names[f"{module}.{name}"] = (target or None) if other else f"{MODULES[module]}.{name}"
    return names


def _foreign_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for module, text in _FOREIGN.items():
        for entry in text.split():
            name, _, there = entry.partition("=")
            names[name] = f"{module}.{there or name}"
    return names


NAMES: dict[str, str | None] = _own_names()
"""Every name that Flask 3.1 defines, by its full name, with that of Erlen; None where Erlen has none."""

FOREIGN: dict[str, str] = _foreign_names()
"""Where a name comes from that Flask imports from another package."""

# A name that a module of Flask imports from another one is defined in the first of these that has it.
_HOMES = sorted(set(MODULES) - {"flask"}, key=lambda module: module.startswith("flask.sansio"))
# A name that means something else in this one module.
_ELSEWHERE = {"flask.sansio.app.Response": "werkzeug.sansio.response.Response"}
_IMPORTED = {module: frozenset(text.split()) for module, text in REEXPORTS.items()}


class Known(Struct, frozen=True):
    """What is known about a name of Flask.

    :param erlen: what to write instead, the full name; None where there is nothing
    :param words: what else is to be said, or an empty string
    """

    erlen: str | None
    words: str = ""


def find_name(name: str) -> Known | None:
    """Return what is known about *name*, such as ``"flask.ctx.AppContext"``; None if Flask 3.1 has no such name."""
    if name in MODULES:
        target = MODULES[name]
        return Known(target, _TYPE_WORDS if name == "flask.typing" else "")
    if name in NAMES:
        return Known(NAMES[name], _words(name))
    module, _, last = name.rpartition(".")
    if last not in _IMPORTED.get(module, ()):
        return None
    home = next((home for home in _HOMES if f"{home}.{last}" in NAMES), None)
    if home is not None and name not in _ELSEWHERE:
        return Known(NAMES[f"{home}.{last}"], _words(f"{home}.{last}"))
    origin = _ELSEWHERE.get(name) or FOREIGN[last]
    return Known(NAMES.get(origin, origin), "Flask only imports it there.")


def find_removed(name: str) -> tuple[str, Gone] | None:
    """Return the removed name that *name* is or stands in, with what is known about it."""
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        removed = ".".join(parts[:length])
        if removed in REMOVED:
            return removed, REMOVED[removed]
    return None


def _words(name: str) -> str:
    if name in WORDS:
        return WORDS[name]
    last = name.rpartition(".")[2]
    if NAMES[name] is not None:
        return ""
    if name.startswith("flask.typing.") or last.startswith("T_") or last in ("F", "T", "DeferredSetupFunction"):
        return _TYPE_WORDS
    return _PRIVATE_WORDS if last.startswith("_") else "It is there under the alias only."
