"""Which classes of requests read forms as usual, and what tells a developer that a form came without its files."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Request as WerkzeugRequest

__all__ = ["FileNotSent", "FilesOfWrongForm", "reads_forms_as_usual"]

_FORMS = ("make_form_data_parser", "want_form_data_parsed", "_get_stream_for_parsing", "form_data_parser_class")
_usual_forms: dict[type, bool] = {}


def reads_forms_as_usual(kind: type[WerkzeugRequest]) -> bool:
    """Tell whether requests of the class *kind* leave it to Werkzeug's parser to read forms, and to its storage."""
    usual = _usual_forms.get(kind)
    if usual is None:
        usual = _usual_forms[kind] = kind.parameter_storage_class is ImmutableMultiDict and all(
            getattr(kind, name) is getattr(WerkzeugRequest, name) for name in _FORMS
        )
    return usual


class FileNotSent(KeyError, AssertionError):
    """In debug mode: a view asked for a file, and the form was sent without the contents of files.

    :param key: the name of the form's field
    :param mimetype: the type that the form was sent as
    :param names: the names of files that were sent in its place
    """

    def __init__(self, key: str, mimetype: str, names: list[str]) -> None:
        super().__init__(key, mimetype, names)
        self.key = key
        self.mimetype = mimetype
        self.names = names

    def __str__(self) -> str:
        sent = ", ".join(map(repr, self.names))
        return (
            f"The form field {self.key!r} is no file: the browser sent a name only ({sent}), because the form was sent "
            f'as {self.mimetype!r}. Write enctype="multipart/form-data" in the <form> tag.'
        )


class FilesOfWrongForm(ImmutableMultiDict[str, Any]):
    """An empty ``request.files`` that tells a developer why it is empty."""

    def __init__(self, request: WerkzeugRequest) -> None:
        super().__init__()
        self._mimetype = request.mimetype
        self._form = request.form

    def __getitem__(self, key: str) -> Any:
        if key not in self._form:
            return super().__getitem__(key)
        raise FileNotSent(key, self._mimetype, self._form.getlist(key))
