-- End messages of one claim: acked (A), failed (F), released (R) or moved to a dead letter (D).
--
-- KEYS    queue, landing list, leases, claim list of the token, mark of the token,
--         target: the delayed messages (F, R) or the list of the dead letters (D); unused with A
-- ARGV    token, verb, again (1 from the second send of this call on), spend (1 where the claim
--         was sent more than once), delay in ms (0: none), number of messages that the same call
--         delayed before, size of the claim (0 where not all of it is named), number of places, places...
--         (none where they are all, in order), with D as many bodies
-- Returns the positions (from 1) among the given places that are not held any more
-- Promise Each place is settled once. F adds an attempt and goes to the tail, R goes to the head
--         in the old order, either to the delayed ones with a delay. With the last live message
--         the list and its lease end in the same step. A repeat says what the first send did.

local queue, landing, leases, claim, mark, target = unpack(KEYS)
local token, verb, again, spend = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4] == '1'
local delay, delayed_before = tonumber(ARGV[5]), tonumber(ARGV[6])
local size, given = tonumber(ARGV[7]), tonumber(ARGV[8])
local FIRST = 8 -- the places follow
local is_listed = #ARGV > FIRST

-- The most frequent end: the ack of a claim of one. Its lease is there as long as its list.
if verb == 'A' and size == 1 and not is_listed and redis.call('ZREM', leases, token) == 1 then
  redis.call('DEL', claim)
  if spend then
    redis.call('SET', mark, 'done', 'PX', HORIZON)
  end
  return {}
end

local function place_at(i)
  return is_listed and tonumber(ARGV[FIRST + i]) or i - 1
end

local function finish()
  redis.call('DEL', claim)
  redis.call('ZREM', leases, token)
  if spend then
    redis.call('SET', mark, 'done', 'PX', HORIZON)
  end
end

-- A claim without tombstones, whose places are all named: no body has to be looked at.
local function is_whole(length)
  if size == 0 or length ~= size then
    return false
  end
  if size > 1 then
    for _, each in ipairs({'A', 'F', 'R', 'D'}) do
      if redis.call('LPOS', claim, stone(each)) then
        return false
      end
    end
  end
  return true
end

local function is_live_left(length)
  if not is_stone(redis.call('LINDEX', claim, -1)) or not is_stone(redis.call('LINDEX', claim, 0)) then
    return true
  end
  local stones = 0
  for _, each in ipairs({'A', 'F', 'R', 'D'}) do
    stones = stones + #redis.call('LPOS', claim, stone(each), 'COUNT', 0)
  end
  return stones < length
end

local length = redis.call('LLEN', claim)
local lost = {}

if length == 0 then
  local expired = ''
  if again then
    expired = redis.call('GET', mark) or ''
  end
  for i = 1, given do
    local listed = string.find(',' .. expired .. ',', ',' .. place_at(i) .. ',', 1, true)
    if not again or listed then
      lost[#lost + 1] = i
    end
  end
  redis.call('ZREM', leases, token)
  return lost
end

if verb == 'A' and is_whole(length) then
  begin(leases)
  finish()
  return lost
end

local live, front = {}, {}
local after = stone(verb)
for i = 1, given do
  local place = place_at(i)
  local body = redis.call('LINDEX', claim, place)
  if not body or is_stone(body) then
    if not (again and body == after) then
      lost[#lost + 1] = i
    end
  elseif verb == 'A' then
    live[#live + 1] = place
  elseif verb == 'D' then
    live[#live + 1] = place
    front[#front + 1] = ARGV[FIRST + given + i]
  else
    live[#live + 1] = place
    front[#front + 1] = framed(body, verb == 'F' and 1 or 0, token, place)
  end
end
if #live == 0 then
  return lost
end

if verb == 'D' then
  redis.call('LLEN', target)
elseif delay > 0 then
  redis.call('ZCARD', target)
elseif verb ~= 'A' then
  redis.call('LLEN', queue)
  redis.call('LLEN', landing)
end
begin(leases)
if verb == 'D' then
  append('RPUSH', target, front, 1, #front)
elseif delay > 0 then
  local due = clock() + delay
  for i = 1, #front do
    redis.call('ZADD', target, due_score(due, delayed_before + i - 1), front[i])
  end
elseif verb == 'F' then
  append('RPUSH', queue, front, 1, #front)
elseif verb == 'R' then
  push_front(queue, landing, front)
end
if #live == length then
  finish()
  return lost
end
for i = 1, #live do
  redis.call('LSET', claim, live[i], after)
end
if not is_live_left(length) then
  finish()
end
return lost
