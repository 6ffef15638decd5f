"""A chat room: what one says in a worker is heard in all of them."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from erlen import Erlen, request, websocket
from erlen.broadcast import Broadcast

app = Erlen(__name__)
app.config.update(SECRET_KEY="the key of the chat, long enough", SESSION_TYPE="memory")
broadcast = Broadcast(os.environ["BROADCAST_URL"])


@app.websocket("/rooms/<name>")
async def room(name: str) -> None:
    async def hear() -> None:
        async for message in websocket:
            await broadcast.publish(name, message)

    async with broadcast.subscribe(name) as messages, asyncio.TaskGroup() as tasks:
        await websocket.send(str(os.getpid()))
        tasks.create_task(hear())
        async for message in messages:
            await websocket.send(message)


@app.post("/rooms/<name>")
def say(name: str) -> Any:
    app.async_to_sync(broadcast.publish)(name, request.get_data(as_text=True))
    return "said"


asgi = app.asgi
