"""What Redis sees of it: connections, outages, refusals, other programs."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
import redis

import erlen.broadcast.redis as over_redis
from erlen.broadcast import Broadcast, BroadcastUnavailable
from store_servers import Running, Servers
from store_servers import redis as servers_of_redis


@pytest.fixture
def url(own_server: Running) -> str:
    return f"redis://127.0.0.1:{own_server.port}"


def tasks() -> set[Any]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def count(port: int, kind: str) -> int:
    """Return how many clients of a kind the server has: ``"pubsub"``, or ``"normal"`` without the one that asks."""
    with redis.Redis(port=port) as client:
        return len(client.client_list(kind)) - (kind == "normal")


async def until(found: Callable[[], bool]) -> None:
    """Return when *found* is true."""
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(found):
            pass


async def hear_again(broadcast: Broadcast, messages: Any, greeting: str) -> None:
    """Publish until the subscription receives something, after an outage, and take all of it."""
    hearing = asyncio.create_task(anext(messages))
    async with asyncio.timeout(60):
        while not hearing.done():
            try:
                await broadcast.publish("news", greeting)
            except BroadcastUnavailable:
                continue
    assert await hearing == greeting
    await broadcast.publish("news", f"end of {greeting}")
    while await anext(messages) != f"end of {greeting}":
        pass


def restart(running: Running, servers: Servers) -> Running:
    """Start a server again where it was."""
    return servers_of_redis.plain(servers, port=running.port, folder=running.folder)


# --- connections -----------------------------------------------------------------------------------------------------


def test_all_subscriptions_of_a_loop_share_one_connection_which_ends_with_the_last(
    own_server: Running, url: str
) -> None:
    async def main() -> None:
        broadcast = Broadcast(url)
        async with broadcast.subscribe("a"), broadcast.subscribe("b"):
            async with broadcast.subscribe("a", "c"):
                assert await asyncio.to_thread(count, own_server.port, "pubsub") == 1
                assert len(tasks()) == 2
            assert await asyncio.to_thread(count, own_server.port, "pubsub") == 1
        assert tasks() == set()
        await until(lambda: count(own_server.port, "pubsub") == 0)
        await until(lambda: count(own_server.port, "normal") == 0)

    asyncio.run(main())


def test_a_channel_that_nobody_listens_to_any_more_is_told_to_the_server(own_server: Running, url: str) -> None:
    def channels() -> list[bytes]:
        with redis.Redis(port=own_server.port) as client:
            return sorted(client.pubsub_channels())

    async def main() -> None:
        broadcast = Broadcast(url)
        async with broadcast.subscribe("a"):
            async with broadcast.subscribe("a", "b"):
                assert await asyncio.to_thread(channels) == [b"erlen:broadcast:a", b"erlen:broadcast:b"]
            await until(lambda: channels() == [b"erlen:broadcast:a"])

    asyncio.run(main())


def test_the_end_of_the_loop_and_close_leave_no_connection(own_server: Running, url: str) -> None:
    broadcast = Broadcast(url)

    async def publish() -> None:
        await broadcast.publish("a", "message")
        assert await asyncio.to_thread(count, own_server.port, "normal") == 1

    async def publish_and_close() -> None:
        await publish()
        await broadcast.close()
        await until(lambda: count(own_server.port, "normal") == 0)

    asyncio.run(publish())
    asyncio.run(until_gone(own_server.port))
    asyncio.run(publish_and_close())


def test_a_loop_that_ends_at_once_leaves_no_open_connection_over_tls(servers: Servers) -> None:
    broadcast = Broadcast(servers_of_redis.url_of("redis-tls", servers))

    async def main() -> None:
        async with broadcast.subscribe("a"):
            pass

    for _ in range(5):
        asyncio.run(main())
    gc.collect()  # pytest makes an error of the warning about one


async def until_gone(port: int) -> None:
    await until(lambda: count(port, "normal") == 0)


# --- other programs --------------------------------------------------------------------------------------------------


def test_other_programs_publish_text_and_read_it_as_it_is(own_server: Running, url: str) -> None:
    async def main() -> None:
        broadcast = Broadcast(url)
        with redis.Redis(port=own_server.port) as client, client.pubsub(ignore_subscribe_messages=True) as reader:
            reader.subscribe("erlen:broadcast:news")
            reader.get_message(timeout=30)
            async with broadcast.subscribe("news") as messages:
                client.publish("erlen:broadcast:news", "grün")
                client.publish("erlen:broadcast:news", b"\xff\xfe")
                assert [await anext(messages), await anext(messages)] == ["grün", b"\xff\xfe"]
                await broadcast.publish("news", "blau")
                assert await anext(messages) == "blau"
            assert [reader.get_message(timeout=30)["data"] for _ in range(3)] == [
                "grün".encode(),
                b"\xff\xfe",
                b"blau",
            ]

    asyncio.run(main())


# --- outages ---------------------------------------------------------------------------------------------------------


def test_after_a_restart_of_the_server_all_subscriptions_go_on_and_the_outage_is_logged_once(
    own_server: Running, url: str, servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        broadcast = Broadcast(url)
        async with broadcast.subscribe("news") as messages, broadcast.subscribe("news", "other") as second:
            own_server.kill()
            with pytest.raises(BroadcastUnavailable) as caught:
                await broadcast.publish("news", "into the void")
            assert caught.value.place == url
            assert caught.value.reason
            for _ in range(3):  # attempts that fail are not logged again
                with pytest.raises(BroadcastUnavailable):
                    async with broadcast.subscribe("late"):
                        pass
            running = await asyncio.to_thread(restart, own_server, servers)
            await hear_again(broadcast, messages, "back")
            assert {await anext(second), await anext(second)} <= {"back", "end of back"}
            running.kill()
        assert tasks() == set()

    with caplog.at_level(logging.INFO, "erlen.broadcast"):
        asyncio.run(main())
    lost, found = [record for record in caplog.records if record.name == "erlen.broadcast"][:2]
    assert (lost.levelname, found.levelname) == ("ERROR", "WARNING")
    assert lost.getMessage().startswith(
        "Broadcast messages are not received. This is logged once, until they are again."
    )
    assert found.getMessage().startswith(f"Redis at {url} is listened to again. The messages of the last ")


def test_the_pause_between_attempts_grows_up_to_a_limit(
    own_server: Running, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    wait = over_redis._wait
    enough: list[asyncio.Event] = []

    async def noted(event: asyncio.Event, seconds: float) -> bool:
        if seconds == over_redis._ASK:
            return await wait(event, seconds)
        pauses.append(seconds)
        if len(pauses) == 12:
            enough[0].set()
        return await wait(event, 0)

    monkeypatch.setattr(over_redis, "_wait", noted)
    monkeypatch.setattr("random.uniform", lambda low, high: high)

    async def main() -> None:
        enough.append(asyncio.Event())
        async with Broadcast(url).subscribe("news"):
            own_server.kill()
            await enough[0].wait()

    asyncio.run(main())
    assert [round(pause, 3) for pause in pauses[:12]] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, *[10.0] * 5]


def test_a_connection_that_the_server_ends_is_made_again(own_server: Running, url: str) -> None:
    async def main() -> None:
        broadcast = Broadcast(url)
        async with broadcast.subscribe("news") as messages:
            for number in range(3):
                with redis.Redis(port=own_server.port) as client:
                    client.client_kill_filter(_type="pubsub")
                await hear_again(broadcast, messages, f"time {number}")

    asyncio.run(main())


def test_a_server_that_is_there_and_says_nothing_counts_as_lost(
    own_server: Running, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_redis, "_ASK", 0.05)

    async def main() -> None:
        broadcast = Broadcast(f"{url}?socket_timeout=0.2&socket_connect_timeout=0.2")
        async with broadcast.subscribe("news") as messages:
            os.kill(own_server.process.pid, signal.SIGSTOP)
            try:
                listener = messages._listener
                await until(lambda: not listener._well)  # type: ignore[union-attr]
                with pytest.raises(BroadcastUnavailable, match="could not be used for broadcasting"):
                    await broadcast.publish("news", "into the void")
            finally:
                os.kill(own_server.process.pid, signal.SIGCONT)
            await hear_again(broadcast, messages, "awake")

    asyncio.run(main())


def test_a_silent_channel_is_kept_by_asking_whether_the_server_is_there(
    own_server: Running, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(over_redis, "_ASK", 0.05)

    def pings() -> int:
        with redis.Redis(port=own_server.port) as client:
            return int(client.info("commandstats").get("cmdstat_ping", {"calls": 0})["calls"])

    async def main() -> None:
        broadcast = Broadcast(url)
        async with broadcast.subscribe("news") as messages:
            await until(lambda: pings() > 5)
            await broadcast.publish("news", "still here")
            assert await anext(messages) == "still here"

    asyncio.run(main())
    assert not [record for record in caplog.records if record.name == "erlen.broadcast"]


def test_who_cannot_subscribe_or_publish_is_told_where_and_why_and_nothing_is_left(free_port: int) -> None:
    async def main() -> None:
        broadcast = Broadcast(f"redis://ann:hunter2@127.0.0.1:{free_port}")
        with pytest.raises(BroadcastUnavailable) as caught:
            async with broadcast.subscribe("news"):
                pass
        assert caught.value.place == f"redis://ann@127.0.0.1:{free_port}"
        assert str(caught.value).startswith(f"Redis at redis://ann@127.0.0.1:{free_port} could not be used for broad")
        assert "hunter2" not in str(caught.value)
        with pytest.raises(BroadcastUnavailable):
            await broadcast.publish("news", "into the void")
        assert tasks() == set()

    asyncio.run(main())


def test_a_channel_that_the_server_refuses_is_an_error_for_its_subscribers_alone(own_server: Running) -> None:
    def allow(*channels: str) -> None:
        with redis.Redis(port=own_server.port) as client:
            client.acl_setuser("ann", enabled=True, passwords=["+pw"], commands=["+@all"], reset_channels=True)
            for channel in channels:
                client.execute_command("ACL", "SETUSER", "ann", f"&erlen:broadcast:{channel}")

    async def main() -> None:
        await asyncio.to_thread(allow, "open", "doubtful")
        broadcast = Broadcast(f"redis://ann:pw@127.0.0.1:{own_server.port}")
        async with broadcast.subscribe("open") as messages, broadcast.subscribe("doubtful") as doubtful:
            for _ in range(2):
                with pytest.raises(BroadcastUnavailable, match="channel"):
                    async with broadcast.subscribe("secret"):
                        pass
            with pytest.raises(BroadcastUnavailable, match="channel"):
                await broadcast.publish("secret", "whisper")
            await broadcast.publish("open", "aloud")
            assert await anext(messages) == "aloud"
            # The server ends the connection of a user who may listen to less than before.
            await asyncio.to_thread(allow, "open")
            with pytest.raises(BroadcastUnavailable, match="channel"):
                await anext(doubtful)
            async with broadcast.subscribe("open") as others:
                await broadcast.publish("open", "again")
                assert await anext(others) == "again"
            assert await anext(messages) == "again"

    asyncio.run(main())
