"""An application with WebSockets: a signal box that tells of trains."""

from __future__ import annotations

import asyncio
from typing import Any

from erlen import (
    Erlen,
    Response,
    WebSocketClosed,
    abort,
    after_this_request,
    g,
    request,
    session,
    websocket,
)

app = Erlen(__name__)
app.config.update(
    SECRET_KEY="the key of the signal box, long enough",
    SESSION_TYPE="sqlite",
    SESSION_RECHECK_INTERVAL=0.2,
    WEBSOCKET_CLOSE_TIMEOUT=0.1,
    WEBSOCKET_MAX_MESSAGE_SIZE=100_000,
)
#: What happened, in its order.
told: list[Any] = []


@app.before_request
def note_the_beginning() -> Any:
    g.operator = request.args.get("operator", "nobody")
    if request.args.get("closed"):
        return "The line is closed.", 423
    return None


@app.before_websocket
async def note_the_socket() -> Any:
    g.line = "main line"
    if "strike" in request.args:
        return {"strike": True}, 503
    return None


@app.after_websocket
def note_the_end(response: Any) -> Any:
    if websocket.accepted:
        told.append(["after_websocket", websocket.path, response is None])
    return response


@app.after_request
def mark(response: Response) -> Response:
    response.headers["X-Signal-Box"] = "Müllheim".encode().decode("latin-1")
    return response


@app.teardown_request
def note_the_teardown(error: BaseException | None) -> None:
    if request.path.startswith("/ws"):
        told.append(["teardown", request.path, type(error).__name__])


@app.errorhandler(KeyError)
def no_such_train(error: KeyError) -> Any:
    return f"no such train: {error.args[0]}", 404


@app.get("/told")
def tell() -> Any:
    return list(told)


@app.post("/login/<name>")
def login(name: str) -> str:
    session["name"] = name
    session.rotate()
    return name


@app.post("/logout")
def logout() -> str:
    session.clear()
    return "out"


@app.get("/session")
def show_session() -> Any:
    return dict(session)


@app.websocket("/ws/echo/<track>")
async def echo(track: str) -> None:
    await websocket.send_json(
        track=track, params=websocket.path_params, operator=g.operator, line=g.line, name=session.get("name")
    )
    async for message in websocket:
        await websocket.send(message)
    told.append(["left", track, websocket.close_code, websocket.close_reason])


@app.websocket("/ws/sum")
async def add_up() -> None:
    total = 0
    while True:
        message = await websocket.receive_json()
        total += message["add"]
        await websocket.send_json(total)


@app.websocket("/ws/agreed")
async def agree() -> None:
    assert not websocket.accepted
    await websocket.accept(subprotocol=websocket.subprotocols[-1], headers={"X-Track": "7"})
    await websocket.send(",".join(websocket.subprotocols))


@app.websocket("/ws/unoffered")
async def agree_on_nothing() -> None:
    await websocket.accept(subprotocol="morse")


@app.websocket("/ws/refused")
async def refuse() -> Any:
    abort(401)


@app.websocket("/ws/answered")
async def answer() -> Any:
    @after_this_request
    def mark(response: Response) -> Response:
        response.headers["X-After"] = "this"
        return response

    session["refused"] = True
    return {"reason": "no line"}, 409


@app.websocket("/ws/silent")
async def say_nothing() -> None:
    pass


@app.websocket("/ws/train/<name>")
async def find_train(name: str) -> None:
    raise KeyError(name)


@app.websocket("/ws/breaks")
async def break_down() -> None:
    await websocket.accept()
    raise RuntimeError("the socket failed")


@app.websocket("/ws/forbidden")
async def forbid() -> None:
    await websocket.accept()
    abort(403)


@app.websocket("/ws/closes")
async def close() -> None:
    await websocket.accept()
    await websocket.close(4404, "Gleis gesperrt")
    try:
        await websocket.send("too late")
    except WebSocketClosed as closed:
        told.append(["closed", closed.code])


@app.websocket("/ws/remembers")
async def remember() -> None:
    session["before"] = "accepted"
    await websocket.accept()
    session["later"] = await websocket.receive()
    await websocket.send("noted")


@app.websocket("/ws/watches")
async def watch() -> None:
    """Neither receives nor sends."""
    await websocket.accept()
    await websocket.send("watching")
    try:
        await asyncio.Event().wait()
    finally:
        told.append(["watch ended"])


@app.websocket("/ws/queue")
async def queue() -> None:
    """Waits for something before it accepts."""
    told.append(["queueing"])
    try:
        await asyncio.Event().wait()
    finally:
        told.append(["left the queue"])


@app.websocket("/ws/group")
async def group() -> None:
    async def listen() -> None:
        while True:
            await websocket.receive()

    async def speak() -> None:
        try:
            await websocket.send("both")
            await asyncio.Event().wait()
        finally:
            told.append(["speaker ended"])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listen())
        tasks.create_task(speak())


@app.websocket("/ws/slow")
async def slow() -> None:
    """Lets the client run ahead, and reads all the same what it has sent before it went."""
    await websocket.accept()
    await websocket.receive()
    count = 0
    async for _ in websocket:
        count += 1
    told.append(["read", count])


@app.websocket("/ws/flood")
async def flood() -> None:
    """Sends more than any buffer takes."""
    websocket.send_timeout = 0.2
    try:
        while True:
            await websocket.send(b"x" * 65_536)
    except WebSocketClosed as closed:
        told.append(["flood ended", closed.code, closed.reason])
        raise


@app.websocket("/ws/rated", message_rate=2)
async def rated() -> None:
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/ws/small", max_message_size=10)
async def small() -> None:
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/ws/open", cross_site=True)
async def open_to_all() -> None:
    await websocket.send("welcome")


async def relay(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application of somebody else."""
    assert scope["type"] == "websocket"  # as most say that they know no other, such as the life of the server
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"{scope['root_path']} {scope['path']}"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    told.append(["relay ended"])


branch = Erlen("branch")
branch.config.update(SECRET_KEY=app.secret_key, SESSION_TYPE="null")


@branch.websocket("/line")
async def branch_line() -> None:
    await websocket.send(f"{request.root_path} {request.path}")


app.mount("/relay", relay, interface="asgi")
app.mount("/branch", branch)

asgi = app.asgi
