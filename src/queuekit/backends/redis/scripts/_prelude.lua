-- What scripts share: each gets the paragraphs whose names it uses, since every call makes the
-- functions anew. A script touches its KEYS and nothing else, reads (which checks the types)
-- before it writes, and copies before it removes.

local MAGIC = '\193\113'
local STONE = MAGIC .. 'T'
local HEAD = 20 -- bytes of a frame before headers and body

local BY_STORE = MAGIC .. '\2'

-- No message: wakes who waits for the queue while other levels have messages, and stands in front
-- of the landing list of a queue that keeps places. Whoever meets it drops it, or looks closer.
local WAKE = '\193\113Wake'

-- The member of the leases that says that a queue keeps places: always due, so that whoever knows
-- nothing of places finds it first, and takes nothing.
local SIGN = '+placed'

local CHUNK = 1000 -- values that one command may take: unpack() fails at some thousands

local HORIZON = '3600000' -- ms that a mark or a lane lives: longer than any request can linger

-- The server's clock in milliseconds.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A number as Redis reads it, in every Lua: never 1.7e12.
local function text(number)
  return string.format('%.0f', number)
end

-- A first write that needs no memory: at maxmemory the first write of a script decides whether
-- the others are refused, and a full server must stay drainable. It also checks the type.
local function begin(leases)
  redis.call('ZREM', leases, '')
end

-- Four bytes, unlike any body that a claim can hold.
local function stone(verb)
  return STONE .. verb
end

local function is_stone(body)
  return #body == 4 and string.sub(body, 1, 3) == STONE
end

local function is_framed(body)
  return #body >= HEAD and string.sub(body, 1, 2) == MAGIC
end

-- The id of a body without a frame: sixteen bytes of its first claim's token and its place (from
-- 0) there. The client derives the same.
local function derived_id(token, place)
  local hex = string.sub(token, 1, 12) .. '4' .. string.sub(token, 14, 16) .. '8'
    .. string.sub(token, 18, 28) .. string.format('%04x', place)
  return (string.gsub(hex, '..', function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

-- The body with *more* attempts counted; one without a frame gets one, so its id stays with it.
local function framed(body, more, token, place)
  if not is_framed(body) then
    return BY_STORE .. string.char(more) .. derived_id(token, place) .. body
  end
  if more == 0 then
    return body
  end
  local attempts = math.min(255, string.byte(body, 4) + more)
  return string.sub(body, 1, 3) .. string.char(attempts) .. string.sub(body, 5)
end

-- Call *name* on *key* with values first to last, in chunks.
local function append(name, key, values, first, last)
  for i = first, last, CHUNK do
    redis.call(name, key, unpack(values, i, math.min(i + CHUNK - 1, last)))
  end
end

-- Put *bodies* at the head of the ready messages, in their order. What waits in the landing list
-- was in front of the queue, so it goes back there before. Of what is no message one stays there,
-- and none in the queue.
local function push_front(queue, landing, bodies)
  local folded, wakes = 0, 0
  local moved = redis.call('LMOVE', landing, queue, 'RIGHT', 'LEFT')
  while moved do
    folded = folded + 1
    if moved == WAKE then
      redis.call('LPOP', queue)
      folded, wakes = folded - 1, wakes + 1
    end
    moved = redis.call('LMOVE', landing, queue, 'RIGHT', 'LEFT')
  end
  if wakes > 0 then
    redis.call('LPUSH', landing, WAKE)
    if redis.call('LINDEX', queue, folded) == WAKE then
      redis.call('LREM', queue, 1, WAKE)
    end
  end
  local count = #bodies
  local reversed = {}
  for i = 1, count do
    reversed[i] = bodies[count + 1 - i]
  end
  append('LPUSH', queue, reversed, 1, count)
end

-- Make the *due* messages ready. *begin* has been called.
local function promote(queue, delayed, due)
  if #due > 0 then
    append('RPUSH', queue, due, 1, #due)
    append('ZREM', delayed, due, 1, #due)
  end
end

-- What is due at *time*; messages of one call differ in fractions of a millisecond.
local function due_messages(delayed, time, limit)
  return redis.call('ZRANGEBYSCORE', delayed, '-inf', '(' .. text(time + 1), 'LIMIT', 0, limit)
end

-- The score of the *n*th (from 0) message that one call delays; exact in a double.
local function due_score(time, n)
  return string.format('%.10f', time + n / 1024)
end
