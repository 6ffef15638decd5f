"""The application that the tests of served sessions are about; it is copied to where it is served."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from erlen import Erlen, request, session

HERE = Path(__file__).resolve().parent

app = Erlen(__name__, instance_path=str(HERE / "instance"))
app.config.from_object("settings")


def wait_for_gate(name: str) -> None:
    deadline = time.monotonic() + 20
    while not (HERE / name).exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"nobody opened the gate {name!r}")
        time.sleep(0.005)


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.get("/login/<user>")
def login(user):
    session.bind(user)
    session["cart"] = {"apples": 1}
    return user


@app.get("/who")
def who():
    return {"user": session.bound_user, "keys": sorted(session), "pid": os.getpid()}


@app.get("/logout")
def logout():
    session.clear()
    return "bye"


@app.get("/set/<key>/<value>")
def set_key(key, value):
    session[key] = value
    return "kept"


@app.get("/all")
def everything():
    return dict(session)


@app.get("/incr")
def incr():
    return str(session.incr("counter"))


@app.get("/slow/<what>/<gate>")
def slow(what, gate):
    """Read the session, let the test do something meanwhile, and change the session then."""
    seen = session.bound_user
    (HERE / f"{gate}-began").touch()
    wait_for_gate(gate)
    if what == "set":
        session["late"] = "a change that comes too late"
    elif what == "nested":
        session["cart"]["pears"] = 3
    elif what == "incr":
        session.incr("late")
    elif what == "append":
        session.append("late", 1)
    elif what == "permanent":
        session.permanent = True
    elif what == "rotate":
        session.rotate()
    return str(seen)


@app.get("/append/<value>")
def append(value):
    session.append("list", value)
    return "kept"


@app.get("/take")
def take():
    return session.take("ticket", "nothing")


@app.get("/nested/<key>")
def nested(key):
    session["cart"][key] = request.args["n"]
    return "kept"


@app.get("/exclusive", session="exclusive")
def exclusive():
    session["counter"] = session.get("counter", 0) + 1
    return str(session["counter"])


@app.get("/exclusive-slow/<gate>", session="exclusive")
def exclusive_slow(gate):
    session["held"] = True
    (HERE / f"{gate}-began").touch()
    wait_for_gate(gate)
    return "done"


@app.get("/strict/<gate>", session="strict")
def strict(gate):
    session["late"] = "a change that comes too late"
    (HERE / f"{gate}-began").touch()
    wait_for_gate(gate)
    return "done"


@app.get("/readonly/<key>", session="readonly")
def readonly(key):
    session[key] = "changed"
    return "done"


@app.get("/async/set/<key>/<value>")
async def set_key_async(key, value):
    session[key] = value
    return "kept"


@app.get("/async/incr")
async def incr_async():
    return str(await session.aincr("counter"))


@app.get("/async/append/<value>")
async def append_async(value):
    session.append("list", value)
    return "kept"


@app.get("/exclusive-die", session="exclusive")
def exclusive_die():
    """Hold the session, and be killed while holding it."""
    session["held"] = True
    os.kill(os.getpid(), signal.SIGKILL)
    return "unreachable"
