"""What holds on every way that messages can take: in memory, and over each kind of Redis."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from erlen import Erlen
from erlen.broadcast import Broadcast, SubscriberTooSlow
from erlen.errors import ConfigError, MissingExtra

Make = Callable[..., Broadcast]


async def take(messages: Any, count: int) -> list[Any]:
    """Return the next messages."""
    return [await anext(messages) for _ in range(count)]


def tasks() -> set[Any]:
    return asyncio.all_tasks() - {asyncio.current_task()}


# --- messages --------------------------------------------------------------------------------------------------------


def test_what_is_published_after_the_block_is_entered_is_received_in_its_order_as_what_it_was(make: Make) -> None:
    sent = ["grün 🚂", "", b"", b"\x00\xff", "\x00 begins with a mark", "\x01 and this", b"\x01", "x" * 100_000]

    async def main() -> None:
        broadcast = make()
        async with broadcast.subscribe("news") as messages:
            for message in sent:
                await broadcast.publish("news", message)
            assert await take(messages, len(sent)) == sent

    asyncio.run(main())


def test_bytearrays_and_views_are_received_as_bytes_and_subclasses_of_text_as_text(make: Make) -> None:
    class Named(str):
        __slots__ = ()

    async def main() -> None:
        broadcast = make()
        async with broadcast.subscribe("news") as messages:
            for message in (bytearray(b"a"), memoryview(b"b"), Named("c")):
                await broadcast.publish("news", message)  # type: ignore[arg-type]
            received = await take(messages, 3)
            assert [(type(message), message) for message in received] == [(bytes, b"a"), (bytes, b"b"), (str, "c")]

    asyncio.run(main())


def test_everybody_in_a_channel_gets_a_message_and_nobody_in_another_one(make: Make) -> None:
    async def main() -> None:
        broadcast = make()
        async with (
            broadcast.subscribe("room:1") as ann,
            broadcast.subscribe("room:1") as bob,
            broadcast.subscribe("room:2") as eve,
        ):
            await broadcast.publish("room:1", "for one")
            await broadcast.publish("room:2", "for two")
            assert [await anext(ann), await anext(bob), await anext(eve)] == ["for one", "for one", "for two"]

    asyncio.run(main())


def test_a_subscription_to_several_channels_says_where_a_message_came_from(make: Make) -> None:
    async def main() -> None:
        broadcast = make()
        async with broadcast.subscribe("room:ü", "room:2") as messages:
            assert messages.channel == ""
            await broadcast.publish("room:2", "two")
            await broadcast.publish("room:ü", "umlaut")
            received = [(await anext(messages), messages.channel) for _ in range(2)]
            assert sorted(received) == [("two", "room:2"), ("umlaut", "room:ü")]

    asyncio.run(main())


def test_a_message_that_nobody_listens_to_is_gone(make: Make) -> None:
    async def main() -> None:
        broadcast = make()
        await broadcast.publish("news", "before")
        async with broadcast.subscribe("news") as messages:
            await broadcast.publish("news", "after")
            assert await anext(messages) == "after"

    asyncio.run(main())


def test_two_broadcasts_with_different_prefixes_do_not_hear_each_other(make: Make) -> None:
    async def main() -> None:
        one, two = make(prefix="one:"), make(prefix="two:")
        async with one.subscribe("news") as first, two.subscribe("news") as second:
            await one.publish("news", "of one")
            await two.publish("news", "of two")
            assert (await anext(first), await anext(second)) == ("of one", "of two")

    asyncio.run(main())


def test_who_subscribes_again_and_again_while_others_listen_misses_nothing(make: Make) -> None:
    async def main() -> None:
        broadcast = make()

        async def come_and_go(name: str) -> None:
            for number in range(30):
                async with broadcast.subscribe(name) as messages:
                    await broadcast.publish(name, f"{name} {number}")
                    assert await anext(messages) == f"{name} {number}"

        async with broadcast.subscribe("still"), asyncio.TaskGroup() as group:
            for name in ("a", "b", "c"):
                group.create_task(come_and_go(name))

    asyncio.run(main())


def test_one_who_gives_up_while_entering_does_not_disturb_the_next(make: Make) -> None:
    async def main() -> None:
        broadcast = make()

        async def subscribe() -> None:
            async with broadcast.subscribe("news"):
                await asyncio.Event().wait()

        async with broadcast.subscribe("still"):
            for steps in range(20):
                task = asyncio.create_task(subscribe())
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                async with broadcast.subscribe("news") as messages:
                    await broadcast.publish("news", str(steps))
                    assert await anext(messages) == str(steps)

    asyncio.run(main())


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_subscriber_that_does_not_keep_up_gets_what_waited_and_then_an_exception(make: Make) -> None:
    async def main() -> None:
        broadcast = make(limit=3)
        async with broadcast.subscribe("news") as slow, broadcast.subscribe("news") as quick:
            for number in range(5):
                await broadcast.publish("news", str(number))
                assert await anext(quick) == str(number)
            assert await take(slow, 3) == ["0", "1", "2"]
            for _ in range(2):
                with pytest.raises(SubscriberTooSlow) as caught:
                    await anext(slow)
            assert (caught.value.channels, caught.value.limit) == (("news",), 3)
            assert str(caught.value).startswith("The subscription to 'news' was ended: 3 messages were waiting when")
            await broadcast.publish("news", "the others go on")
            assert await anext(quick) == "the others go on"

    asyncio.run(main())


def test_a_publisher_that_never_pauses_does_not_end_those_who_listen_on_its_loop() -> None:
    async def main() -> None:
        broadcast = Broadcast(limit=2)
        received: list[Any] = []

        async def listen(messages: Any) -> None:
            received.extend([message async for message in messages])

        async with broadcast.subscribe("news") as messages:
            task = asyncio.create_task(listen(messages))
            for number in range(100):
                await broadcast.publish("news", str(number))
            await broadcast.close()
            await task
        assert received == [str(number) for number in range(100)]

    asyncio.run(main())


def test_two_tasks_that_share_a_subscription_are_told_to_subscribe_each(make: Make) -> None:
    async def main() -> None:
        broadcast = make()
        async with broadcast.subscribe("news") as messages:
            first = asyncio.create_task(anext(messages))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="Let each task subscribe for itself"):
                await anext(messages)
            await broadcast.publish("news", "for the first")
            assert await first == "for the first"

    asyncio.run(main())


# --- the end ---------------------------------------------------------------------------------------------------------


def test_when_all_subscriptions_have_ended_no_task_is_left(make: Make) -> None:
    async def main() -> None:
        broadcast = make()
        async with broadcast.subscribe("a"), broadcast.subscribe("b"):
            pass
        assert tasks() == set()
        async with broadcast.subscribe("a") as messages:
            await broadcast.publish("a", "again")
            assert await anext(messages) == "again"
        assert tasks() == set()
        await broadcast.close()

    asyncio.run(main())


def test_close_ends_the_loops_over_messages_after_what_waits_and_it_can_be_used_again(make: Make) -> None:
    async def main() -> None:
        broadcast = make()
        async with broadcast.subscribe("news") as messages, broadcast.subscribe("news") as other:
            await broadcast.publish("news", "the last one")
            assert await anext(other) == "the last one"  # so it has come to both
            await broadcast.close()
            received = [message async for message in messages]
            async with broadcast.subscribe("news") as again:
                await broadcast.publish("news", "a new one")
                assert await anext(again) == "a new one"
        assert received == ["the last one"]
        await broadcast.close()
        assert tasks() == set()

    asyncio.run(main())


def test_leaving_the_block_ends_a_loop_that_still_waits_in_another_task(make: Make) -> None:
    async def main() -> None:
        async def listen(messages: Any) -> str:
            async for _ in messages:
                pass
            return "ended"

        async with make().subscribe("news") as messages:
            task = asyncio.create_task(listen(messages))
            await asyncio.sleep(0)
        assert await task == "ended"

    asyncio.run(main())


# --- loops, threads, processes ---------------------------------------------------------------------------------------


def test_loops_of_several_threads_hear_each_other(make: Make) -> None:
    broadcast = make()
    ready = threading.Barrier(4)
    received: list[list[Any]] = []

    async def converse(name: str) -> None:
        async with broadcast.subscribe("news") as messages:
            await asyncio.to_thread(ready.wait)  # until all listen
            await broadcast.publish("news", name)
            received.append(await take(messages, 4))

    threads = [threading.Thread(target=lambda name=name: asyncio.run(converse(name))) for name in "abcd"]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sorted(each) for each in received] == [["a", "b", "c", "d"]] * 4
    assert len({tuple(each) for each in received}) == 1  # in the same order


def test_one_loop_after_the_other_can_use_it(make: Make) -> None:
    broadcast = make()

    async def main() -> None:
        async with broadcast.subscribe("news") as messages:
            await broadcast.publish("news", "here")
            assert await anext(messages) == "here"

    for _ in range(3):
        asyncio.run(main())


def test_a_forked_process_uses_it_anew(make: Make) -> None:
    broadcast = make()

    async def converse(name: str) -> None:
        async with broadcast.subscribe(name) as messages:
            await broadcast.publish(name, f"of {name}")
            assert await anext(messages) == f"of {name}"

    loop = asyncio.new_event_loop()
    subscription = broadcast.subscribe("child")
    messages = loop.run_until_complete(subscription.__aenter__())
    child = os.fork()
    if child == 0:
        status = 1
        try:
            asyncio.run(converse("child"))
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    loop.run_until_complete(broadcast.publish("child", "of the parent"))
    received = [loop.run_until_complete(anext(messages))]
    if received == ["of child"]:  # over Redis the parent hears its child, in memory it does not
        received.append(loop.run_until_complete(anext(messages)))
    assert received[-1] == "of the parent"
    loop.run_until_complete(subscription.__aexit__(None, None, None))
    loop.run_until_complete(broadcast.close())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_a_plain_view_publishes_through_async_to_sync(make: Make) -> None:
    broadcast = make()
    app = Erlen(__name__)

    @app.post("/news")
    def publish() -> str:
        app.async_to_sync(broadcast.publish)("news", "of a plain view")
        return "sent"

    async def main() -> None:
        async with broadcast.subscribe("news") as messages:
            response = await asyncio.to_thread(app.test_client().post, "/news")
            assert response.text == "sent"
            assert await anext(messages) == "of a plain view"

    asyncio.run(main())
    app.async_to_sync(broadcast.close)()  # on the loop of the application, which published


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("reddis://localhost", "It begins with 'reddis'. Did you mean 'redis://'? Write 'memory://' for one process"),
        ("memroy://", "It begins with 'memroy'. Did you mean 'memory://'?"),
        ("valkye://localhost", "Did you mean 'valkey://'?"),
        ("memory", "It has no scheme. Did you mean 'memory://'?"),
        ("redis:localhost", "It has no scheme. Did you mean 'redis://'?"),
        ("amqp://localhost", "It begins with 'amqp'. Write 'memory://' for one process"),
        ("redis://localhost:6379/one", "What follows the host is no number of a database."),
        ("redis://localhost?colour=red", "It cannot be used"),
        (None, "It is no text but a NoneType."),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_the_nearest_that_can(url: Any, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Broadcast(url)
    assert str(caught.value).startswith("Broadcast(url): ")
    assert problem in str(caught.value)


@pytest.mark.parametrize("url", ["user:hunter2@localhost", "redis://user:hunter2/3@localhost", "redis://:hunter2@a:b"])
def test_no_refusal_shows_the_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Broadcast(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "3"])
def test_a_limit_that_is_no_number_of_messages_is_refused(limit: Any) -> None:
    with pytest.raises(ConfigError, match="limit"):
        Broadcast(limit=limit)


def test_a_message_that_is_neither_text_nor_bytes_is_refused_with_what_to_write(make: Make) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=r"this is a dict: \{'a': 1\}\. Publish values as JSON: await"):
            await make().publish("news", {"a": 1})  # type: ignore[arg-type]

    asyncio.run(main())


def test_a_channel_that_is_no_text_and_no_channel_at_all_are_refused() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="this is a int: 7"):
            await Broadcast().publish(7, "a")  # type: ignore[arg-type]

    asyncio.run(main())
    with pytest.raises(TypeError, match="this is a int: 7"):
        Broadcast().subscribe(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Write: broadcast\.subscribe\('news'\)"):
        Broadcast().subscribe()


def test_messages_outside_of_the_block_and_a_second_entering_are_explained() -> None:
    async def main() -> None:
        subscription = Broadcast().subscribe("news")
        with pytest.raises(RuntimeError, match="Messages come inside of the block"):
            await anext(subscription)
        async with subscription:
            pass
        with pytest.raises(RuntimeError, match="A subscription is entered once"):
            await subscription.__aenter__()

    asyncio.run(main())


def test_without_redis_py_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "erlen.broadcast.redis", raising=False)
    monkeypatch.setitem(sys.modules, "redis.exceptions", None)
    with pytest.raises(MissingExtra, match=r"Broadcast\('redis://…'\) needs .* pip install 'erlen\[redis\]'"):
        Broadcast("redis://localhost")


def test_a_broadcast_in_memory_is_made_without_asyncio_and_redis() -> None:
    code = (
        "import sys; from erlen.broadcast import Broadcast; Broadcast();"
        "print(sorted({'asyncio', 'redis'} & set(sys.modules)))"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2] / "src")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
