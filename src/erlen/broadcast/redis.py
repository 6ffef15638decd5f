"""Messages through Redis or Valkey, by its publish and subscribe: to all processes that use the same server.

Each event loop has at most one connection to listen on, which exists while somebody is subscribed, and a pool to
publish. A connection that is lost is made again, with a growing pause; what is published meanwhile is not received.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
import time
from collections import Counter, deque
from typing import Any

from redis.exceptions import RedisError, ResponseError

from erlen.broadcast.failures import BroadcastUnavailable
from erlen.broadcast.subscription import Subscription
from erlen.broadcast.wire import decode
from erlen.sessions.stores.clients import Clients
from erlen.sessions.stores.redis_servers import Address, Fleet

__all__ = ["RedisCarrier"]

log = logging.getLogger("erlen.broadcast")

# Seconds. A server that says nothing is asked whether it is there, and must have answered after twice the time.
_TIMEOUT = 5.0
_ASK = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


class RedisCarrier:
    """Carries messages through the server at *url*, in channels whose names begin with *prefix*.

    :raises ConfigError: if the address cannot be read
    """

    def __init__(self, url: str, prefix: str) -> None:
        address = Address.from_url(url, _TIMEOUT)
        self._prefix = prefix
        self._clients: Clients[None, _OnLoop] = Clients(
            lambda: None, lambda: _OnLoop(address, prefix), lambda nothing: None, _OnLoop.close
        )

    def find_listener(self) -> RedisListener:
        """Return what listens for the running event loop."""
        return self._clients.looped().find_listener()

    async def publish(self, channel: str, raw: bytes) -> None:
        """Send a message. It is never sent again if the server may have got it."""
        await self._clients.looped().publish((self._prefix + channel).encode(), raw)

    async def close(self) -> None:
        """End what listens for the running event loop, and close its connections."""
        await self._clients.close()


class _OnLoop:
    """What belongs to one event loop."""

    def __init__(self, address: Address, prefix: str) -> None:
        self._fleet = Fleet(address, looped=True)
        self._prefix = prefix
        self._listener: RedisListener | None = None

    def find_listener(self) -> RedisListener:
        if self._listener is None or self._listener.over:
            self._listener = RedisListener(self._fleet, self._prefix)
        return self._listener

    async def publish(self, name: bytes, raw: bytes) -> None:
        try:
            await self._fleet.call(name, (b"PUBLISH", name, raw))
        except (RedisError, OSError) as error:
            raise _unavailable(self._fleet, error) from error

    async def close(self) -> None:
        if self._listener is not None:
            await self._listener.close()
        await self._fleet.close_looped()


class RedisListener:
    """One connection that listens, from the first subscription until nobody is subscribed any more.

    One task reads. Another one, which lives as long as a connection, tells the server whenever it is to be listened to
    other channels: so no two tasks ever write to a connection, and to leave a channel waits for nothing.
    """

    def __init__(self, fleet: Fleet, prefix: str) -> None:
        self.over = False
        """Whether it has ended; subscriptions that come later need another one."""
        self._fleet = fleet
        self._nodes = itertools.cycle(fleet.address.nodes)
        self._prefix = prefix
        self._channels: dict[bytes, dict[Subscription, None]] = {}
        # Who waits for the server to confirm channels: which are missing, and what to tell in the end.
        self._entering: dict[Subscription, tuple[set[bytes], asyncio.Future[BroadcastUnavailable | None]]] = {}
        # Of this connection: what the server was told to listen to, what it was told and has not answered yet, in
        # order and counted, and what it has confirmed.
        self._told: set[bytes] = set()
        self._unanswered: deque[tuple[bool, bytes]] = deque()
        self._asked: Counter[bytes] = Counter()
        self._heard: set[bytes] = set()
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._well = False
        self._lost_at: float | None = None
        self._pause = 0.0

    # -- subscriptions ----------------------------------------------------------------------------------------------

    def _names(self, subscription: Subscription) -> set[bytes]:
        return {(self._prefix + channel).encode() for channel in subscription.channels}

    async def enter(self, subscription: Subscription) -> None:
        """Bring it messages from now on; wait until the server has confirmed its channels.

        :raises BroadcastUnavailable: if it does not
        """
        names = self._names(subscription)
        for name in names:
            self._channels.setdefault(name, {})[subscription] = None
        missing = names - self._heard
        if not missing:
            return
        answer = asyncio.get_running_loop().create_future()
        self._entering[subscription] = missing, answer
        self._changed.set()
        self._hurry.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            failure = await answer
            if failure is not None:
                raise failure
        except BaseException:
            await self.leave(subscription)
            raise
        finally:
            self._entering.pop(subscription, None)

    async def leave(self, subscription: Subscription) -> None:
        """Bring it no more; with the last one the connection ends."""
        for name in self._names(subscription):
            subscribed = self._channels.get(name, {})
            subscribed.pop(subscription, None)
            if not subscribed and self._channels.pop(name, None) is not None:
                self._changed.set()
        if not self._channels:
            await self.close()

    async def close(self) -> None:
        """End the subscriptions that there are, and the connection."""
        self.over = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    # -- the connection ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        problem: BaseException | None = None
        try:
            while True:
                self._hurry.clear()
                try:
                    await self._listen()
                except (RedisError, OSError) as error:
                    self._note_loss(error)
                await _wait(self._hurry, self._pause * random.uniform(0.5, 1))  # not all workers at the same moment
        except Exception as error:
            problem = error
            raise
        finally:
            # Nobody may wait for messages that no one brings.
            self.over = True
            for subscribed in self._channels.values():
                for subscription in subscribed:
                    subscription.end(problem)
            self._refuse_entering(problem or RuntimeError("it was closed"))

    async def _listen(self) -> None:
        """Bring messages until the connection is lost, which raises."""
        connection = self._fleet.connection_of(next(self._nodes))
        try:
            await connection.connect()
            _heed_cancelling()
            teller = asyncio.create_task(self._tell(connection))
            try:
                while True:
                    self._take(await self._read(connection))
            finally:
                teller.cancel()
                await asyncio.wait([teller])
        finally:
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect()  # TLS says farewell: a loop that ends before would leave it open
            for forgotten in (self._told, self._unanswered, self._asked, self._heard):
                forgotten.clear()

    async def _read(self, connection: Any) -> Any:
        try:
            # It is not closed here, because the other task may be in the middle of writing.
            reply = await connection.read_response(timeout=2 * _ASK, disconnect_on_error=False)
        except ResponseError as error:
            return error
        if reply is None:
            raise TimeoutError(f"It has said nothing for {2 * _ASK:g} seconds")
        return reply

    async def _tell(self, connection: Any) -> None:
        """Tell the server what to listen to, now and after each change; ask if it is there when nothing changes."""
        try:
            while True:
                self._changed.clear()
                commands = self._changes()
                if commands:
                    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                    _heed_cancelling()
                if not await _wait(self._changed, _ASK):
                    await connection.send_packed_command(connection.pack_command("PING"), check_health=False)
                    _heed_cancelling()
        except (RedisError, OSError) as error:
            log.debug("Redis at %s could not be told what to listen to: %s", self._fleet.address.place, error)
            await connection.disconnect(nowait=True)  # so that who reads learns of it
        except Exception:
            await connection.disconnect(nowait=True)
            raise

    def _changes(self) -> list[tuple[bytes, bytes]]:
        wanted = self._channels.keys()
        left, new = self._told - wanted, wanted - self._told
        self._told = set(wanted)
        self._heard -= left
        self._unanswered.extend((False, name) for name in left)
        self._unanswered.extend((True, name) for name in new)
        self._asked.update(new)
        # One at a time: it is known then which one an error belongs to.
        return [*((b"UNSUBSCRIBE", name) for name in left), *((b"SUBSCRIBE", name) for name in new)]

    def _take(self, reply: Any) -> None:
        if isinstance(reply, ResponseError):
            if not self._unanswered:
                raise reply
            self._answered(*self._unanswered.popleft(), reply)
        elif reply[0] == b"message":
            channel, message = reply[1].decode()[len(self._prefix) :], decode(reply[2])
            for subscription in self._channels.get(reply[1], ()):
                subscription.put(channel, message)
        elif reply[0] in (b"subscribe", b"unsubscribe"):
            self._answered(*self._unanswered.popleft())

    def _answered(self, subscribing: bool, name: bytes, error: ResponseError | None = None) -> None:
        if not subscribing:
            return
        self._asked[name] -= 1
        if self._asked[name] > 0:  # meanwhile it was left and is wanted again: the last answer counts
            return
        del self._asked[name]
        if error is not None:
            self._refuse(name, error)
        elif name in self._told:
            self._heard.add(name)
            self._note_well()
            for subscription in self._channels.get(name, ()):
                missing, answer = self._entering.get(subscription, (set(), None))
                missing.discard(name)
                if answer is not None and not missing and not answer.done():
                    answer.set_result(None)

    def _refuse(self, name: bytes, error: ResponseError) -> None:
        self._told.discard(name)  # it is asked for again by the next who wants it
        failure = _unavailable(self._fleet, error)
        for subscription in self._channels.get(name, ()):
            if subscription not in self._entering:
                subscription.end(failure)
            elif not (answer := self._entering[subscription][1]).done():
                answer.set_result(failure)

    # -- outages ----------------------------------------------------------------------------------------------------

    def _note_well(self) -> None:
        if self._lost_at is not None:
            seconds = time.monotonic() - self._lost_at
            place = self._fleet.address.place
            log.warning("Redis at %s is listened to again. The messages of the last %.1f s are lost.", place, seconds)
        self._well, self._lost_at, self._pause = True, None, 0.0

    def _note_loss(self, error: Exception) -> None:
        if self._well:
            self._well, self._lost_at = False, time.monotonic()
            failure = _unavailable(self._fleet, error)
            log.error("Broadcast messages are not received. This is logged once, until they are again. %s", failure)
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._refuse_entering(error)

    def _refuse_entering(self, error: BaseException) -> None:
        for _, answer in self._entering.values():
            if not answer.done():
                answer.set_result(_unavailable(self._fleet, error))


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for *event*, but not longer than so many seconds; tell whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _heed_cancelling() -> None:
    """End the running task if it was cancelled and redis-py swallowed that: ``wait_for`` does before Python 3.12."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _unavailable(fleet: Fleet, error: BaseException) -> BroadcastUnavailable:
    return BroadcastUnavailable(fleet.address.place, str(error).strip().rstrip(".") or type(error).__name__)
