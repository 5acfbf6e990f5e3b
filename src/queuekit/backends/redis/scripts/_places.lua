-- What the scripts of queues that keep places share, behind the paragraphs of the prelude. Such a
-- queue has twelve keys: queue, landing list, leases, delayed, busy, waiting, and the lists of the
-- levels 3, 2, 1, -1, -2 and -3; level 0 is the landing list, then the queue.
--
-- busy     hash from group to who holds it: the id of its message, where it is (R: ready, C:
--          claimed, D: delayed), and the numbers of the first who waits and of the next who will.
--          Only who comes from where the holder is can be the holder: ids may be put twice.
-- waiting  hash from number and group to the framed body

local HELD = 12 -- keys

local function queue_at(first)
  return {
    queue = KEYS[first], landing = KEYS[first + 1], leases = KEYS[first + 2],
    delayed = KEYS[first + 3], busy = KEYS[first + 4], waiting = KEYS[first + 5],
    lists = {
      [3] = KEYS[first + 6], [2] = KEYS[first + 7], [1] = KEYS[first + 8], [0] = KEYS[first],
      [-1] = KEYS[first + 9], [-2] = KEYS[first + 10], [-3] = KEYS[first + 11],
    },
  }
end

-- The lists in the order in which their messages are handed out.
local function in_turn(q)
  local l = q.lists
  return {l[3], l[2], l[1], q.landing, q.queue, l[-1], l[-2], l[-3]}
end

-- How many are ready, those included that wait for their group. Also checks the types of all keys.
local function count_ready(q)
  redis.call('ZCARD', q.delayed)
  redis.call('ZCARD', q.leases)
  redis.call('HLEN', q.busy)
  local count = redis.call('LLEN', q.landing) + redis.call('HLEN', q.waiting)
    - #redis.call('LPOS', q.landing, WAKE, 'COUNT', 0)
  for _, list in pairs(q.lists) do
    count = count + redis.call('LLEN', list)
  end
  if redis.call('LINDEX', q.queue, 0) == WAKE then
    count = count - 1
  end
  return count
end

-- The level of a body, and its group if it has one, as its frame says.
local function place_of(body)
  local flags = is_framed(body) and string.byte(body, 3) or 0
  if flags < 4 or flags > 63 then
    return 0
  end
  local level = math.floor(flags / 8)
  if level > 3 then
    level = math.max(level - 8, -3)
  end
  local size = math.floor(flags / 4) % 2 == 1 and string.byte(body, HEAD + 1) or 0
  if size == 0 or #body < HEAD + 1 + size then
    return level
  end
  return level, string.sub(body, HEAD + 2, HEAD + 1 + size)
end

local function id_of(body)
  return string.sub(body, 5, HEAD)
end

-- Who holds a group, if anybody does.
local function holder_of(q, group)
  local entry = redis.call('HGET', q.busy, group)
  if not entry then
    return nil
  end
  local first, after = string.match(string.sub(entry, 18), '(%d+):(%d+)')
  return {
    id = string.sub(entry, 1, 16), state = string.sub(entry, 17, 17),
    first = tonumber(first), after = tonumber(after),
  }
end

local function hold(q, group, holder)
  local numbers = text(holder.first) .. ':' .. text(holder.after)
  redis.call('HSET', q.busy, group, holder.id .. holder.state .. numbers)
end

local function is_holder(holder, body, state)
  return holder.state == state and holder.id == id_of(body)
end

-- Note of those *bodies* that hold their groups that they go from one state to another.
local function note_holders(q, bodies, state, after)
  for i = 1, #bodies do
    local _, group = place_of(bodies[i])
    local holder = group and holder_of(q, group)
    if holder and is_holder(holder, bodies[i], state) then
      holder.state = after
      hold(q, group, holder)
    end
  end
end

local function waits_at(group, number)
  return text(number) .. ':' .. group
end

-- Say that the queue keeps places, where nobody knows who knows of them.
local function put_sign(q)
  redis.call('ZADD', q.leases, 0, SIGN)
  if redis.call('LINDEX', q.landing, 0) ~= WAKE then
    redis.call('LPUSH', q.landing, WAKE)
  end
end

-- See that the sign stands, and that a wait on the queue finds something if only other levels have
-- messages. What changes a queue ends with it.
local function keep_signs(q)
  if not redis.call('ZSCORE', q.leases, SIGN) then
    return
  end
  if redis.call('LINDEX', q.landing, 0) ~= WAKE then
    redis.call('LPUSH', q.landing, WAKE)
  end
  if redis.call('LLEN', q.queue) > 0 then
    return
  end
  for level, list in pairs(q.lists) do
    if level ~= 0 and redis.call('LLEN', list) > 0 then
      redis.call('RPUSH', q.queue, WAKE)
      return
    end
  end
end

-- Sort *bodies* by level, and let those wait whose group is busy by others. They come from *state*,
-- or are new.
local function admit(q, bodies, state)
  local sorted, is_placed = {}, false
  for i = 1, #bodies do
    local body = bodies[i]
    local level, group = place_of(body)
    local holder = group and holder_of(q, group)
    is_placed = is_placed or level ~= 0 or group
    if holder and not is_holder(holder, body, state) then
      redis.call('HSET', q.waiting, waits_at(group, holder.after), body)
      holder.after = holder.after + 1
      hold(q, group, holder)
    else
      if holder then
        holder.state = 'R'
        hold(q, group, holder)
      elseif group then
        hold(q, group, {id = id_of(body), state = 'R', first = 0, after = 0})
      end
      sorted[level] = sorted[level] or {}
      table.insert(sorted[level], body)
    end
  end
  if is_placed then
    put_sign(q)
  end
  return sorted
end

-- Put admitted messages to the tails of their levels.
local function push_tails(q, sorted)
  for level, bodies in pairs(sorted) do
    append('RPUSH', q.lists[level], bodies, 1, #bodies)
  end
end

-- Put admitted messages to the heads of their levels, in their order.
local function push_heads(q, sorted)
  for level, bodies in pairs(sorted) do
    if level == 0 then
      push_front(q.queue, q.landing, bodies)
    else
      for i = #bodies, 1, -1 do
        redis.call('LPUSH', q.lists[level], bodies[i])
      end
    end
  end
end

-- Make due messages ready: of those whose group is busy only the one that holds it.
local function promote_placed(q, due)
  if #due > 0 then
    push_tails(q, admit(q, due, 'D'))
    append('ZREM', q.delayed, due, 1, #due)
  end
end

-- Let the next of each group follow that one of *bodies* has held, which were in *state* and are
-- over.
local function follow(q, bodies, state)
  for i = 1, #bodies do
    local _, group = place_of(bodies[i])
    local holder = group and holder_of(q, group)
    if holder and is_holder(holder, bodies[i], state) then
      local body
      while not body and holder.first < holder.after do
        body = redis.call('HGET', q.waiting, waits_at(group, holder.first))
        holder.first = holder.first + 1
      end
      if body then
        redis.call('RPUSH', q.lists[place_of(body)], body)
        holder.id, holder.state = id_of(body), 'R'
        hold(q, group, holder)
        redis.call('HDEL', q.waiting, waits_at(group, holder.first - 1))
      else
        redis.call('HDEL', q.busy, group)
      end
    end
  end
end

-- The first messages of *lists*, at most *limit*, and how many places of each list they take.
local function front_of(lists, limit)
  local bodies, counts = {}, {}
  for i = 1, #lists do
    local at, want, found = 0, limit - #bodies, {}
    while want > 0 do
      found = redis.call('LRANGE', lists[i], at, at + want - 1)
      for j = 1, #found do
        if found[j] ~= WAKE then
          bodies[#bodies + 1] = found[j]
        end
      end
      at = at + #found
      want = #found < want and 0 or limit - #bodies
    end
    counts[i] = at
  end
  return bodies, counts
end

-- Remove what was found there. A sign alone in the landing list stays.
local function drop_front(q, lists, counts)
  for i = 1, #lists do
    local is_sign = lists[i] == q.landing and counts[i] == 1
      and redis.call('LINDEX', q.landing, 0) == WAKE
    if counts[i] > 0 and not is_sign then
      redis.call('LPOP', lists[i], counts[i])
    end
  end
end
