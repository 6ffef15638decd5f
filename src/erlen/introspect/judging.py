"""From what a source uses of Flask to what is to be expected of it: each use meets the tables here."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from erlen.config import RETIRED, SETTINGS
from erlen.config.retired import RETIRED_TYPES
from erlen.errors import nearest
from erlen.introspect.flask_extensions import EXTENSIONS, Extension
from erlen.introspect.flask_names import ATTRIBUTES, KEYWORDS, MODULES, NAMES, Gone, find_name, find_removed
from erlen.introspect.flask_settings import (
    DIFFERENCES,
    FLASK_SESSION_SETTINGS,
    FLASK_SETTINGS,
    REMOVED_SETTINGS,
    VARIABLES,
)
from erlen.introspect.source_reading import Use
from erlen.loading import load

__all__ = ["DIFFERS", "GONE", "INERT", "MISSING", "MOVED", "SAME", "UNTRIED", "VERDICTS", "Finding", "judge"]

GONE = "gone"
INERT = "inert"
MISSING = "missing"
UNTRIED = "untried"
DIFFERS = "differs"
MOVED = "moved"
SAME = "same"
VERDICTS = (GONE, INERT, MISSING, UNTRIED, DIFFERS, MOVED, SAME)


class Finding(Struct, frozen=True):
    """Something of Flask that an application uses.

    :param kind: what it is, as in :class:`~erlen.introspect.source_reading.Use`
    :param subject: its name
    :param verdict: ``"gone"``: not there under the alias, mostly because Flask 3.1 does not have it either;
        ``"inert"``: a setting without effect, in Flask 3.1 too; ``"missing"``: there under the alias alone;
        ``"untried"``: an extension that Erlen's tests do not run; ``"differs"``: works, and does something else under
        Erlen's defaults; ``"moved"``: Erlen has it under another name; ``"same"``
    :param erlen: what to write for it with Erlen's names; None where that is the same, or nothing
    :param words: what to know and what to write: sentences, or an empty string
    :param places: where it is used: file and line of each
    """

    kind: str
    subject: str
    verdict: str
    erlen: str | None
    words: str
    places: list[str]
    version: str
    """Of an extension, the version that Erlen's tests run; else empty."""


class _Opinion(Struct, frozen=True):
    verdict: str
    words: str = ""
    erlen: str | None = None
    version: str = ""


def judge(uses: Iterable[Use]) -> tuple[list[Finding], list[str]]:
    """Return what is to be expected of each thing that is used, and the application's own settings."""
    by_subject: dict[tuple[str, str, str], list[Use]] = {}
    found = list(uses)
    for use in found:
        if use.circumstance == "":
            by_subject.setdefault((use.kind, use.subject, ""), []).append(use)
    for use in found:
        if use.circumstance:  # what is used without such care as well is told once
            key = (use.kind, use.subject, "")
            by_subject.setdefault(key if key in by_subject else (*key[:2], use.circumstance), []).append(use)
    extensions = {use.subject for use in found if use.kind == "extension"}
    findings: list[Finding] = []
    own: set[str] = set()
    settings = {use.subject for use in found if use.kind == "setting"}
    for (kind, subject, circumstance), places in by_subject.items():
        if kind == "variable" and subject in settings:  # FLASK_ADMIN_SWATCH is a setting, whatever its name
            continue
        opinion = _opinion(kind, subject, circumstance, places, extensions)
        if opinion is None:
            own.add(subject)
            continue
        where = sorted({(use.file, use.line) for use in places})
        shown = [f"{file}:{line}" for file, line in where]
        findings.append(Finding(kind, subject, opinion.verdict, opinion.erlen, opinion.words, shown, opinion.version))
    return findings, sorted(own)


def _opinion(kind: str, subject: str, circumstance: str, uses: list[Use], extensions: set[str]) -> _Opinion | None:
    """Return what is thought of one subject; None for a setting or variable of the application's own."""
    if kind == "name":
        return _of_name(subject, circumstance)
    if kind == "attribute":
        return _of_gone(ATTRIBUTES[subject])
    if kind == "keyword":
        function, _, rest = subject.partition("(")
        return _of_gone(KEYWORDS[function][rest.partition("=")[0]])
    if kind == "setting":
        return _of_setting(subject, uses, extensions)
    if kind == "variable":
        return _of_variable(subject)
    if kind == "extension":
        return _of_extension(subject)
    if kind == "behaviour":
        difference = DIFFERENCES[subject]
        switch = f" As in Flask: {difference.switch}" if difference.switch else ""
        return _Opinion(DIFFERS, f"{difference.words}{switch}")
    if kind == "command":
        words = f"Or 'python -m erlen.{subject}', with Flask's options."
        return _Opinion(MOVED, words, f"erlen --as-flask {subject.partition(' ')[2]}")
    return _Opinion(SAME)


def _of_gone(gone: Gone) -> _Opinion:
    if gone.erlen is not None:
        return _Opinion(SAME, f"{gone.version} removed it. {gone.cure}")
    return _Opinion(GONE, f"{gone.version} removed it. {gone.cure}")


def _of_name(name: str, circumstance: str) -> _Opinion:
    module, _, last = name.rpartition(".")
    if last == "*":
        return _Opinion(
            MOVED if module in MODULES else GONE,
            "Write the names out: a star import brings another set of names there.",
            MODULES.get(module) and f"{MODULES[module]}: its names, one by one",
        )
    removed = find_removed(name)
    if removed is not None:
        gone = removed[1]
        if circumstance == "guarded":
            return _Opinion(SAME, f"{gone.version} removed it, and the source provides for that.")
        also = f" Erlen has {gone.erlen}." if gone.erlen else ""
        return _Opinion(GONE, f"{gone.version} removed it. {gone.cure}{also}")
    if name == "flask.__version__":
        return _Opinion(DIFFERS, "It is going to be removed. Write importlib.metadata.version('flask').")
    known = find_name(name)
    if known is None:
        if circumstance == "guarded":
            return _Opinion(SAME, "Flask 3.1 has no such name, and the source provides for that.")
        near = nearest(last, [other.rpartition(".")[2] for other in NAMES if other.rpartition(".")[0] == module])
        return _Opinion(GONE, f"Flask 3.1 has no such name.{f' Did you mean {near}?' if near else ''}")
    if circumstance == "typing" and known.erlen is None:
        return _Opinion(SAME, "It is imported for type checkers alone, and may stay.")
    if not circumstance and not _is_under_alias(name):
        write = f"Write {known.erlen}. " if known.erlen else ""
        return _Opinion(GONE, f"The alias does not have it. {write}{known.words}".rstrip())
    if known.erlen is None:
        return _Opinion(MISSING, known.words)
    same = known.erlen == name.replace("flask", "erlen", 1)
    return _Opinion(SAME if same else MOVED, known.words, None if same else known.erlen)


def _is_under_alias(name: str) -> bool:
    """Tell whether the module that stands for Flask's has a name; it is asked, so that no table has to be kept."""
    if name in MODULES:
        return True
    module, _, last = name.rpartition(".")
    return last in vars(load(f"erlen.{module}"))


def _of_setting(name: str, uses: list[Use], extensions: set[str]) -> _Opinion | None:
    if name in REMOVED_SETTINGS:
        gone = REMOVED_SETTINGS[name]
        return _Opinion(INERT, f"{gone.version} removed it. {gone.cure}")
    if name in RETIRED:
        return _of_retired(name, uses)
    if name in SETTINGS:
        return _of_known_setting(name, uses)
    owner = next(
        (known for known in EXTENSIONS if known.name in extensions and name.startswith(known.prefixes or "\0")), None
    )
    return None if owner is None else _Opinion(SAME)


def _of_retired(name: str, uses: list[Use]) -> _Opinion:
    retired = RETIRED[name]
    values = [use.value for use in uses]
    if all(value is not None and retired.refusal(value) is None for value in values):
        return _Opinion(SAME, "Erlen does so anyway.")
    return _Opinion(MISSING, f"{retired.reason} {retired.cure}")


def _of_known_setting(name: str, uses: list[Use]) -> _Opinion:
    if name == "SESSION_TYPE":
        refused = next((use.value for use in uses if isinstance(use.value, str) and use.value in RETIRED_TYPES), None)
        if refused is not None:
            return _Opinion(MISSING, f"Erlen has no store {refused!r}. {RETIRED_TYPES[str(refused)]}")
    if name in FLASK_SETTINGS:
        return _Opinion(SAME)
    if name in FLASK_SESSION_SETTINGS:
        return _Opinion(SAME, "Of Flask-Session, which Erlen needs no more: it has the setting itself.")
    return _Opinion(DIFFERS, f"Erlen has a setting of this name: {SETTINGS[name].sentence}")


def _of_variable(name: str) -> _Opinion | None:
    if name == "FLASK_ENV":
        return _Opinion(INERT, "Flask 2.3 removed it. Write ERLEN_DEBUG=1, or FLASK_DEBUG=1 for Flask.")
    if name in VARIABLES:
        return _Opinion(MOVED, VARIABLES[name][1], VARIABLES[name][0])
    setting = name.removeprefix("FLASK_")
    if name.startswith("FLASK_RUN_"):
        return _Opinion(MOVED, "'python -m erlen.flask run' reads it as it is.", f"ERLEN_{setting}")
    if setting in SETTINGS or setting in REMOVED_SETTINGS:
        return _Opinion(
            DIFFERS, f'from_prefixed_env() looks for ERLEN_{setting}. As in Flask: from_prefixed_env("FLASK")'
        )
    return None


def _of_extension(name: str) -> _Opinion:
    extension = next((known for known in EXTENSIONS if known.name == name), Extension(name, ()))
    words = f" {extension.words}" if extension.words else ""
    if extension.ended:
        return _Opinion(GONE, f"It does not run on Flask 3.1. {extension.ended}")
    if extension.tested:
        return _Opinion(SAME, extension.words, version=extension.tested)
    return _Opinion(UNTRIED, f"It needs the alias. What keeps to Flask's public API works.{words}")
