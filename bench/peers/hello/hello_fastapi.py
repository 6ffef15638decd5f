"""FastAPI's least application."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI()


@app.get("/", response_class=HTMLResponse)
async def hello() -> str:
    return "Hello, World!"
