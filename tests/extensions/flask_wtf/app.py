"""An application of forms: rendered, checked, with files, and guarded against requests that other sites make."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, jsonify, redirect, render_template, render_template_string, request, url_for
from flask.views import MethodView
from flask_wtf import CSRFProtect, FlaskForm, RecaptchaField
from flask_wtf.csrf import CSRFError, generate_csrf
from flask_wtf.file import FileAllowed, FileField, FileRequired, FileSize, MultipleFileField
from wtforms import BooleanField, FieldList, FormField, IntegerField, SelectField, StringField, SubmitField
from wtforms.validators import DataRequired, Length, NumberRange

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")


@hooks.post("/paid")
def paid():
    return "noted"


class AddressForm(FlaskForm):
    """A part of another form, whose token serves for both."""

    class Meta(FlaskForm.Meta):
        """The outer form is checked."""

        csrf = False

    city = StringField("City", validators=[DataRequired()])


class OrderForm(FlaskForm):
    """What somebody orders."""

    name = StringField("Name", validators=[DataRequired("Who are you?"), Length(max=10)])
    amount = IntegerField("Amount", default=1, validators=[NumberRange(1, 9)])
    colour = SelectField("Colour", choices=["red", "green"], default="green")
    gift = BooleanField("A gift")
    address = FormField(AddressForm)
    notes = FieldList(StringField("Note"), min_entries=1)
    send = SubmitField("Order")


class PictureForm(FlaskForm):
    """A picture, and more of them."""

    picture = FileField("Picture", validators=[FileRequired(), FileAllowed(["png", "jpg"]), FileSize(max_size=100)])
    more = MultipleFileField("More", validators=[FileAllowed(["png"], "pictures alone")])


class PuzzleForm(FlaskForm):
    """A puzzle that machines do not solve; a test has solved it."""

    puzzle = RecaptchaField()


class NameForm(FlaskForm):
    """A name, from a form or from JSON."""

    name = StringField(validators=[DataRequired()])


class Settings(MethodView):
    """A view class behind the guard."""

    def post(self):
        return "changed"

    def delete(self):
        return "deleted"


def create_app(guarded: bool = True, **config: Any) -> Flask:
    """Make the application with the settings *config*; with a guard for all of it if *guarded*."""
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="of the checks alone", **config)
    app.logger.disabled = True
    csrf = CSRFProtect()
    if guarded:
        csrf.init_app(app)

    @app.route("/order", methods=["GET", "POST"])
    def order():
        form = OrderForm()
        if form.validate_on_submit():
            return redirect(
                url_for("thanks", name=form.name.data, amount=form.amount.data, city=form.address.city.data)
            )
        return render_template("order.html", form=form), 422 if form.errors else 200

    @app.get("/thanks")
    def thanks():
        return jsonify(request.args)

    @app.post("/pictures")
    def pictures():
        form = PictureForm()
        if not form.validate_on_submit():
            return jsonify(form.errors), 400
        picture = form.picture.data
        return jsonify(
            name=picture.filename,
            type=picture.mimetype,
            size=len(picture.read()),
            more=[each.filename for each in form.more.data or []],
        )

    @app.route("/name", methods=["POST", "PUT", "PATCH"])
    def name():
        form = NameForm()
        if form.validate_on_submit():
            return jsonify(name=form.name.data)
        return jsonify(form.errors), 400

    @app.route("/puzzle", methods=["GET", "POST"])
    def puzzle():
        form = PuzzleForm()
        return "solved" if form.validate_on_submit() else render_template_string("{{ form.puzzle }}", form=form)

    @app.get("/page")
    def page():
        return render_template_string("<html>{{ csrf_meta_tag() }}<form>{{ csrf_token() }}</form>")

    @app.get("/token")
    def token():
        return generate_csrf()

    @app.post("/plain")
    def plain():
        return request.form.get("said", "nothing said")

    @app.post("/later")
    async def later():
        return NameForm().name.data or "nobody"

    @app.post("/exempt")
    @csrf.exempt
    def exempt():
        return "no token asked for"

    @app.post("/by-hand")
    @csrf.exempt
    def by_hand():
        csrf.protect()
        return "looked at by the view"

    @app.errorhandler(CSRFError)
    def refuse(error):
        return jsonify(reason=error.description), error.code

    app.add_url_rule("/settings", view_func=Settings.as_view("settings"))
    csrf.exempt(hooks)
    app.register_blueprint(hooks)
    return app
