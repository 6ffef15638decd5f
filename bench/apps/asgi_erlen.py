"""What is counted over ASGI on Erlen; ``asgi_starlette.py`` does the same."""

from __future__ import annotations

from erlen import Erlen, websocket


def make(instance_path: str) -> object:
    app = Erlen(__name__, instance_path=instance_path)

    @app.get("/")
    async def text() -> str:
        return "Hello, World!"

    @app.get("/json")
    async def mapping() -> dict[str, object]:
        return {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True}}

    @app.get("/plain")
    def plain() -> str:
        return "Hello, World!"

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/echo-json")
    async def echo_json() -> None:
        while True:
            await websocket.send_json(await websocket.receive_json())

    return app.asgi
