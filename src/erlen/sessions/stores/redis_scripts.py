"""What Redis and Valkey do to sessions: one script for each operation, so that nobody comes between.

A session is a hash. A field of the session stands in it under its name behind a dot, an attribute of the header under
its own name, so that the two never meet; an attribute that has its default is left out. What a move leaves behind is
such a hash with nothing but a header. A script is given all the keys that it works on, and in a cluster they are in one
slot; where a trail leads to, it only says.

The rules are those of :func:`erlen.sessions.record.merge`. Numbers of Lua are floats: what has to be exact, such as a
counter, is text in here, and moments come and go as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from erlen.sessions.record import Header
from erlen.sessions.stores.redis_hashes import END, framed, kind_of

__all__ = [
    "CONFLICT",
    "CREATE",
    "DELETE",
    "DONE",
    "FORWARD",
    "LEASE",
    "LIST",
    "MERGE",
    "MOVE",
    "NOTE",
    "OVERFLOW",
    "REFUSED",
    "TOUCH",
    "UNLIST",
    "Script",
]

REFUSED, DONE, CONFLICT, FORWARD, OVERFLOW = range(5)
"""What a script answers first. After FORWARD comes the key that the trail leads to, after OVERFLOW the field."""


class Script:
    """A script and the name by which a server that knows it is asked for it."""

    __slots__ = ("_asked", "_whole", "heads", "name", "source")

    def __init__(self, *parts: str) -> None:
        self.source = "".join(parts).encode()
        self.name = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()
        self._asked = b"*%d" + framed([b"EVALSHA", self.name])
        self._whole = framed([b"EVAL", self.source])
        self.heads = [self.head(1, arguments) for arguments in range(64)]
        """How commands begin that ask for it with one key and so many arguments."""

    def head(self, keys: int, arguments: int) -> bytes:
        """Return how a command begins that asks for it by its name; the keys follow, and then the arguments."""
        return (self._asked % (3 + keys + arguments)) + framed([b"%d" % keys])

    def command(self, names: Sequence[bytes], arguments: Sequence[bytes]) -> bytes:
        """Return the command that runs it by its name, as it is sent.

        :param names: those of the keys that it works on
        """
        return b"".join((self.head(len(names), len(arguments)), framed(names), framed(arguments), END))

    def whole(self, command: bytes) -> bytes:
        """Return *command* with the script itself in place of its name, for a server that does not know it yet."""
        return command.replace(framed([b"EVALSHA", self.name]), self._whole, 1)


_NAMES = ", ".join(f"'{name}'" for name in Header.__struct_fields__)

# The deadlines, and what they mean. `now` is set by each script.
_HEADER = f"""
local names = {{{_NAMES}}}
local header = {{}}
local function read_header()
  for at, value in ipairs(redis.call('HMGET', KEYS[1], unpack(names))) do header[names[at]] = value end
  return header.created
end
local function deadline() return math.min(header.seen + header.idle, tonumber(header.absolute)) end
local function is_over(now) return tonumber(header.absolute) <= now or header.seen + header.idle <= now end
local function expire(key, now)
  redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((deadline() - now) * 1000)))
end
local function touch(now, text)
  if now - header.seen < header.idle / 10 then return 0 end
  header.seen = text
  redis.call('HSET', KEYS[1], 'seen', text)
  expire(KEYS[1], now)
  return 1
end
"""


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:03d}" for byte in data)


def _defaults() -> str:
    """Return, for each attribute of the header, what it is packed as where it is left out: false if it must not be."""
    packed = []
    for each in msgspec.structs.fields(Header):
        required = each.default is msgspec.NODEFAULT
        packed.append("false" if required else f"'{_escaped(msgspec.msgpack.encode(each.default))}'")
    return ", ".join(packed)


_KINDS = "".join(kind_of(name) for name in Header.__struct_fields__)

# A session in one answer, in msgpack: whether it was touched, the header, and the fields. What the driver makes of each
# field of a hash costs more than all of this.
_PACK = f"""
local kinds, defaults = '{_KINDS}', {{{_defaults()}}}
local function bytes(raw) return struct.pack('>BI4', 198, #raw) .. raw end
local function text(raw) return struct.pack('>BI4', 219, #raw) .. raw end
local packers = {{
  d = function(raw)
    local number = tonumber(raw)
    return number and struct.pack('>Bd', 203, number)
  end,
  i = function(raw)
    local number = tonumber(raw)
    return number and cmsgpack.pack(number)
  end,
  b = function(raw) return raw == '1' and '\\195' or '\\194' end,
  s = text, x = bytes, m = function(raw) return raw end
}}
local fields, count = {{}}, 0
local function split(all)
  for at = 1, #all, 2 do
    local name, raw = all[at], all[at + 1]
    if string.byte(name) == 46 then
      count = count + 1
      fields[count] = text(string.sub(name, 2)) .. bytes(raw)
    else
      header[name] = raw
    end
  end
end
-- Nil if an attribute is missing or damaged. What has its default at the end is left out.
local function pack_header()
  local packed, last = {{}}, 0
  for at, name in ipairs(names) do
    local raw = header[name]
    packed[at] = raw and packers[string.sub(kinds, at, at)](raw) or not raw and defaults[at]
    if not packed[at] then return end
    if raw then last = at end
  end
  local array = last < 16 and string.char(144 + last) or struct.pack('>BI2', 220, last)
  return array .. table.concat(packed, '', 1, last)
end
"""

TOUCH = Script(
    _HEADER,
    _PACK,
    """
-- ARGV: now, or nothing if it is not to be touched. Answers the packed session; the hash, if it is damaged or missing.
local all = redis.call('HGETALL', KEYS[1])
split(all)
local packed, touched = pack_header(), '\\194'
if not packed then return all end
local now = tonumber(ARGV[1])
if now and not header.successor and not is_over(now) and touch(now, ARGV[1]) == 1 then
  packed, touched = pack_header(), '\\195'
end
return '\\147' .. touched .. packed .. struct.pack('>BI4', 223, count) .. table.concat(fields)
""",
)

LEASE = Script(
    _HEADER,
    """
-- ARGV: now, owner, until. Answers REFUSED, CONFLICT while another one holds it, FORWARD, or DONE, touched, the hash.
local now = tonumber(ARGV[1])
if not read_header() or is_over(now) then return {0} end
if header.successor then
  if tonumber(header['until']) <= now then return {0} end
  return {3, header.successor}
end
if header.owner and header.owner ~= ARGV[2] and tonumber(header['until'] or 0) > now then return {2} end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'until', ARGV[3])
return {1, touch(now, ARGV[1]), redis.call('HGETALL', KEYS[1])}
""",
)

CREATE = Script("""
-- ARGV: the time to live in ms, then fields and values.
redis.call('UNLINK', KEYS[1])
for at = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
""")

DELETE = Script(
    _HEADER,
    """
-- ARGV: now. Answers REFUSED; FORWARD with the successor, and then nothing was deleted, so that it can be asked again;
-- or DONE with the user. What is over is deleted too, and counts as REFUSED.
if not read_header() then return {0} end
if header.successor then return {3, header.successor} end
redis.call('UNLINK', KEYS[1])
return {is_over(tonumber(ARGV[1])) and 0 or 1, header.user}
""",
)

_MERGE = """
local now, text = tonumber(ARGV[1]), ARGV[1]

-- The delta, part by part; which ones there are, a letter of each says at the beginning.
local place = 1
local function read()
  place = place + 1
  return ARGV[place]
end
local function read_list()
  local found = {}
  for at = 1, tonumber(read()) do found[at] = read() end
  return found
end
local function read_map()
  local found = {}
  for _ = 1, tonumber(read()) do
    local name = read()
    found[name] = read()
  end
  return found
end
local flags = read()
local function part(letter, reader) return string.find(flags, letter, 1, true) and reader() or {} end
local delta = {
  owner = part('o', read_list)[1], missing = part('m', read_list), expect = part('e', read_map),
  take = part('t', read_list), delete = part('d', read_list), set = part('s', read_map), remove = part('-', read_map),
  incr = part('+', read_map), append = part('a', read_map), limits = part('l', read_map), ends = part('n', read_map),
  clear = part('c', read_list), header = part('h', read_map)
}
local release, final = string.find(flags, 'r'), string.find(flags, 'f')

-- The head of a field that ends: the letter t and 13 digits.
local function split_end(raw)
  if raw and string.byte(raw) == 116 then return string.sub(raw, 1, 14), string.sub(raw, 15) end
  return '', raw
end
-- What a field is now, and its head; false if it is missing or has ended.
local function at_now(raw)
  local head, value = split_end(raw)
  if head ~= '' and tonumber(string.sub(head, 2)) <= now * 1000 then return false, head end
  return value, head
end

-- A number as so many thousand millions and the rest, which floats hold exactly.
local function halves(number)
  local sign, digits = 1, number
  if string.byte(number) == 45 then sign, digits = -1, string.sub(number, 2) end
  return sign * (tonumber(string.sub(digits, 1, -10)) or 0), sign * tonumber(string.sub(digits, -9))
end
-- The sum of two numbers of 64 bits, or nil if it is none.
local function add(one, other)
  local high, low = halves(one)
  local more_high, more_low = halves(other)
  high, low = high + more_high, low + more_low
  high, low = high + math.floor(low / 1e9), low % 1e9
  if high > 9223372036 or high == 9223372036 and low > 854775807 then return nil end
  if high < -9223372037 or high == -9223372037 and low < 145224192 then return nil end
  local sign = ''
  if high < 0 then
    sign = '-'
    if low > 0 then high, low = high + 1, 1e9 - low end
    high = -high
  end
  high, low = high + 0, low + 0
  if high > 0 then return string.format('%s%.0f%09.0f', sign, high, low) end
  return string.format('%s%.0f', sign, low)
end
local function number_in(raw)
  local first = raw and string.byte(raw)
  return first and (first == 45 or first >= 48 and first <= 57) and raw or '0'
end

local function is_list(raw) return raw and string.byte(raw) == 108 end
-- Where each item of a list begins, with its length before it, and at last where the next one would.
local function places(list)
  local found, at, size = {2}, 2, #list
  while at <= size do
    if at + 3 > size then error('a list in a session is cut off') end
    at = at + 4 + struct.unpack('>I4', list, at)
    if at > size + 1 then error('a list in a session is cut off') end
    found[#found + 1] = at
  end
  return found
end
local function last(list, limit)
  local found = places(list)
  local extra = #found - 1 - limit
  return extra > 0 and 'l' .. string.sub(list, found[extra + 1]) or list
end
local function items(list)
  local found, all = places(list), {}
  for at = 1, #found - 1 do all[at] = string.sub(list, found[at], found[at + 1] - 1) end
  return all
end
local function subtract(list, unwanted)
  local gone = {}
  for _, item in ipairs(items(unwanted)) do gone[item] = (gone[item] or 0) + 1 end
  local kept = {}
  for _, item in ipairs(items(list)) do
    if (gone[item] or 0) > 0 then gone[item] = gone[item] - 1 else kept[#kept + 1] = item end
  end
  return #kept > 0 and 'l' .. table.concat(kept)
end

-- Everything is worked out here first, and written when nothing can be refused any more. False means deleted.
local plan = {}
local function get(field)
  if plan[field] == nil then return redis.call('HGET', KEYS[1], '.' .. field) end
  return plan[field]
end

local function change_header(changes, clear)
  for name, value in pairs(changes) do
    header[name] = value
    redis.call('HSET', KEYS[1], name, value)
  end
  for _, name in ipairs(clear) do
    header[name] = false
    redis.call('HDEL', KEYS[1], name)
  end
end

if not read_header() or is_over(now) then return {0} end
if header.successor then
  if tonumber(header['until']) <= now then return {0} end
  return {3, header.successor}
end
if delta.owner and (header.owner ~= delta.owner or tonumber(header['until'] or 0) <= now) then return {0} end
for _, field in ipairs(delta.missing) do
  if at_now(get(field)) then return {2} end
end
for field, expected in pairs(delta.expect) do
  local raw = get(field)
  if not at_now(raw) or raw ~= expected then return {2} end
end
if header.mortal then
  local all = redis.call('HGETALL', KEYS[1])
  for at = 1, #all, 2 do
    if string.byte(all[at]) == 46 and not at_now(all[at + 1]) then plan[string.sub(all[at], 2)] = false end
  end
end
local taken = {}
for _, field in ipairs(delta.take) do
  local raw = at_now(get(field))
  plan[field] = false
  if raw then taken[#taken + 1], taken[#taken + 2] = field, raw end
end
for _, field in ipairs(delta.delete) do plan[field] = false end
for field, raw in pairs(delta.set) do plan[field] = raw end
for field, unwanted in pairs(delta.remove) do
  local value, head = at_now(get(field))
  if not value then
    plan[field] = false
  elseif is_list(value) then
    local left = subtract(value, unwanted)
    plan[field] = left and head .. left
  end
end
local numbers = {}
for field, by in pairs(delta.incr) do
  local value, head = at_now(get(field))
  local total = add(number_in(value), by)
  if not total then return {4, field} end
  numbers[#numbers + 1], numbers[#numbers + 2] = field, total
  plan[field] = (value and head or delta.ends[field] or '') .. total
end
for field, more in pairs(delta.append) do
  local value, head = at_now(get(field))
  local longer = (is_list(value) and value or 'l') .. more
  local limit = delta.limits[field]
  if limit then longer = last(longer, limit) end
  plan[field] = (value and head or delta.ends[field] or '') .. longer
end

for field, raw in pairs(plan) do
  if raw then redis.call('HSET', KEYS[1], '.' .. field, raw) else redis.call('HDEL', KEYS[1], '.' .. field) end
end
change_header(delta.header, delta.clear)
if release then change_header({}, {'owner', 'until'}) end
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
header.version = '1'
local emptied = 0
if final and not header.user then
  local left = redis.call('HLEN', KEYS[1])
  for _, name in ipairs(names) do if header[name] then left = left - 1 end end
  if left == 0 then emptied = 1 end
end
"""

MERGE = Script(
    _HEADER,
    _MERGE,
    """
-- ARGV: now, the delta. Answers REFUSED, CONFLICT, FORWARD, OVERFLOW, or DONE, version, emptied, numbers, taken; the
-- version alone, if there is nothing else to tell.
if emptied == 1 then
  redis.call('UNLINK', KEYS[1])
elseif delta.header.seen or delta.header.idle or delta.header.absolute then
  expire(KEYS[1], now)
end
if emptied == 0 and not numbers[1] and not taken[1] then return version end
return {1, version, emptied, numbers, taken}
""",
)

MOVE = Script(
    _HEADER,
    _MERGE,
    """
-- KEYS: where it stands, where it goes, and another key that shall lead there. ARGV: now, the delta, what the move
-- itself changes in the header, the time to live of what is left behind in ms, and that. Answers as a merge does, and
-- with the user and the absolute deadline.
local clear, changes, kept = read_list(), read_map(), read()
redis.call('UNLINK', KEYS[2])
if emptied == 1 then
  redis.call('UNLINK', KEYS[1])
else
  change_header(changes, clear)
  redis.call('RENAME', KEYS[1], KEYS[2])
  expire(KEYS[2], now)
  for at = 1, #KEYS do
    if at ~= 2 then
      redis.call('UNLINK', KEYS[at])
      redis.call('HSET', KEYS[at], unpack(ARGV, place + 1))
      redis.call('PEXPIRE', KEYS[at], kept)
    end
  end
end
return {1, version, emptied, numbers, taken, header.user, header.absolute}
""",
)

LIST = Script("""
-- ARGV: a session's key, now, the time to live in ms: that of the list never shrinks.
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
""")

UNLIST = Script("""
-- ARGV: a moment, then keys of sessions: they go if they were not listed since.
for at = 2, #ARGV do
  local listed = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if listed and tonumber(listed) <= tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], ARGV[at]) end
end
""")

NOTE = Script("""
-- ARGV: a fingerprint, its note, the moment of it, the oldest moment kept, the time to live in ms. Answers all notes.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  if tonumber(string.match(all[at + 1], '^%S+')) < tonumber(ARGV[4]) then redis.call('HDEL', KEYS[1], all[at]) end
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return redis.call('HGETALL', KEYS[1])
""")
