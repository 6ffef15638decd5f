"""Extensions of Flask that are known by name, with what to expect of each: facts, no code.

Whatever an extension is, it says ``import flask``. So it needs the alias, also where the application itself has
Erlen's names.
"""

from __future__ import annotations

import re

from msgspec import Struct

__all__ = ["EXTENSIONS", "Extension", "find_by_import", "find_by_requirement", "is_known", "normalised"]


class Extension(Struct, frozen=True):
    """An extension of Flask.

    :param name: the name that it is installed by
    :param modules: the modules that it is imported by
    :param tested: the version that Erlen's own tests run under the alias; empty where none do
    :param ended: why it runs on no Flask 3.1 either: a sentence; empty where it does
    :param words: what else there is to say: what Erlen has itself, or what to look at
    :param prefixes: what its settings begin with
    """

    name: str
    modules: tuple[str, ...]
    tested: str = ""
    ended: str = ""
    words: str = ""
    prefixes: tuple[str, ...] = ()


_SESSIONS = (
    "Erlen keeps sessions on the server itself, and takes its settings; 'erlen sessions migrate' imports what it kept."
)
_GONE_API = "It uses names that Flask 2.3 and 3.0 removed."

EXTENSIONS: tuple[Extension, ...] = (
    # Those that Erlen's tests run.
    Extension("Flask-Login", ("flask_login",), "0.6.3", prefixes=("REMEMBER_COOKIE_", "LOGIN_")),
    Extension("Flask-Session", ("flask_session",), "0.8.0", words=_SESSIONS),
    Extension("Flask-SQLAlchemy", ("flask_sqlalchemy",), "3.1.1", prefixes=("SQLALCHEMY_",)),
    Extension("Flask-Migrate", ("flask_migrate",), "4.1.0"),
    Extension("Flask-WTF", ("flask_wtf",), "1.3.0", prefixes=("WTF_", "RECAPTCHA_")),
    Extension("Flask-Caching", ("flask_caching",), "2.5.1", prefixes=("CACHE_",)),
    Extension("Flask-Cors", ("flask_cors",), "6.0.5", prefixes=("CORS_",)),
    Extension("Flask-Limiter", ("flask_limiter",), "4.1.1", prefixes=("RATELIMIT_",)),
    Extension("Flask-Admin", ("flask_admin",), "2.2.1", prefixes=("FLASK_ADMIN_",)),
    Extension("Flask-SocketIO", ("flask_socketio",), "5.7.0", words="On an Erlen make it with manage_session=False."),
    Extension("flask-sock", ("flask_sock",), "0.7.0", prefixes=("SOCK_",)),
    Extension("flask-smorest", ("flask_smorest",), "0.47.0", prefixes=("API_", "OPENAPI_")),
    Extension(
        "dash",
        ("dash", "dash_html_components", "dash_core_components"),
        "4.4.1",
        words="It asks for the class Flask: give it the one of erlen.flask.",
    ),
    # Those that keep to Flask's API.
    Extension("Flask-APScheduler", ("flask_apscheduler",), prefixes=("SCHEDULER_",)),
    Extension("Flask-Assets", ("flask_assets",), prefixes=("ASSETS_",)),
    Extension("Flask-Babel", ("flask_babel",), prefixes=("BABEL_",)),
    Extension("Flask-Bcrypt", ("flask_bcrypt",), prefixes=("BCRYPT_",)),
    Extension("Bootstrap-Flask", ("flask_bootstrap",), prefixes=("BOOTSTRAP_",)),
    Extension("Flask-Compress", ("flask_compress",), prefixes=("COMPRESS_",)),
    Extension("Flask-DebugToolbar", ("flask_debugtoolbar",), prefixes=("DEBUG_TB_",)),
    Extension("Flask-Dance", ("flask_dance",)),
    Extension("Flask-HTTPAuth", ("flask_httpauth",)),
    Extension("Flask-JWT-Extended", ("flask_jwt_extended",), prefixes=("JWT_",)),
    Extension("Flask-Mail", ("flask_mail",), prefixes=("MAIL_",)),
    Extension("Flask-Mailman", ("flask_mailman",)),
    Extension("flask-marshmallow", ("flask_marshmallow",)),
    Extension("Flask-Minify", ("flask_minify",)),
    Extension("Flask-Moment", ("flask_moment",), prefixes=("MOMENT_",)),
    Extension("flask-mongoengine", ("flask_mongoengine",), ended=_GONE_API, prefixes=("MONGODB_",)),
    Extension("flask-openapi3", ("flask_openapi3",)),
    Extension("Flask-Principal", ("flask_principal",)),
    Extension("Flask-PyMongo", ("flask_pymongo",), prefixes=("MONGO_",)),
    Extension("Flask-Reuploaded", ("flask_uploads",), prefixes=("UPLOADED_", "UPLOADS_")),
    Extension("flask-restx", ("flask_restx",), prefixes=("RESTX_", "SWAGGER_")),
    Extension("Flask-RESTful", ("flask_restful",), words="Look at its handling of errors first: it replaces Flask's."),
    Extension("Flask-Security-Too", ("flask_security",), prefixes=("SECURITY_",)),
    Extension("Flask-Sitemapper", ("flask_sitemapper",)),
    Extension(
        "flask-talisman",
        ("flask_talisman",),
        words="Erlen sends X-Content-Type-Options and sets the attributes of the session cookie itself.",
    ),
    Extension(
        "Flask-SeaSurf",
        ("flask_seasurf",),
        words="Erlen's guard refuses requests that browsers mark as sent by other sites, without tokens.",
        prefixes=("CSRF_",),
    ),
    Extension("flask-seeder", ("flask_seeder",)),
    Extension("flask-sse", ("flask_sse",)),
    Extension("Flask-Static-Digest", ("flask_static_digest",)),
    Extension("Flask-Testing", ("flask_testing",), words="app.test_client() and the fixtures of Erlen need no class."),
    Extension("pytest-flask", ("pytest_flask",), words="Erlen brings the fixtures app and client itself."),
    Extension("flask-apispec", ("flask_apispec",)),
    Extension("flasgger", ("flasgger",), prefixes=("SWAGGER",)),
    Extension("connexion", ("connexion",), words="Version 3 makes an application for ASGI; look at that part first."),
    Extension("APIFlask", ("apiflask",), words="It subclasses Flask: its applications have Flask's defaults."),
    Extension("Authlib", ("authlib.integrations.flask_client", "authlib.integrations.flask_oauth2")),
    Extension("sentry-sdk", ("sentry_sdk.integrations.flask",)),
    # Those that do not run on Flask 3.1 either.
    Extension(
        "Flask-Script",
        ("flask_script",),
        ended="It uses flask._compat, which Flask 2.0 removed. Write commands with app.cli.command().",
    ),
    Extension("Flask-JWT", ("flask_jwt",), ended=f"{_GONE_API} Flask-JWT-Extended has taken its place."),
    Extension("Flask-OpenID", ("flask_openid",)),
    Extension("Flask-Cache", ("flask_cache",), ended="It uses flask.ext, which Flask 1.0 removed. Take Flask-Caching."),
    Extension("Flask-Uploads", (), ended="It uses names of Werkzeug that are gone. Take Flask-Reuploaded."),
    Extension("Flask-BasicAuth", ("flask_basicauth",)),
    Extension("Flask-BabelEx", ("flask_babelex",), ended=f"{_GONE_API} Take Flask-Babel."),
)
"""The known extensions."""


def normalised(name: str) -> str:
    """Return the *name* of a package as package indexes compare it: small letters, with hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


_BY_MODULE = {module: extension for extension in EXTENSIONS for module in extension.modules}
_BY_NAME = {normalised(extension.name): extension for extension in EXTENSIONS}
_FLASKS = re.compile(r"flask[-_.]\w", re.IGNORECASE)


def find_by_import(module: str) -> Extension | None:
    """Return the extension that a *module* is of, such as ``"flask_login.utils"``; one that is not known has no words.

    It is None where the name does not look like an extension of Flask.
    """
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        known = _BY_MODULE.get(".".join(parts[:length]))
        if known is not None:
            return known
    return Extension(parts[0], (parts[0],)) if _FLASKS.match(parts[0]) else None


def find_by_requirement(name: str) -> Extension | None:
    """Return the extension that is installed by *name*; None where it does not look like one of Flask."""
    known = _BY_NAME.get(normalised(name))
    if known is not None or not _FLASKS.match(name):
        return known
    return Extension(name, ())


def is_known(name: str) -> bool:
    """Tell whether an extension that is installed by *name* is in the table."""
    return normalised(name) in _BY_NAME
