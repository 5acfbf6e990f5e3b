-- End messages of one claim, where the queue keeps places or the dead letters have some.
--
-- KEYS    the twelve of the queue, claim list of the token, mark of the token, the twelve of the
--         queue of the dead letters (D; else any)
-- ARGV    as those of settle.lua
-- Returns as settle.lua does
-- Promise That of settle.lua, by level. What is acked or moved lets the next of its group follow;
--         what failed or is released holds its group on.

local q = queue_at(1)
local claim, mark, dead = KEYS[HELD + 1], KEYS[HELD + 2], queue_at(HELD + 3)
local token, verb, again, spend = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4] == '1'
local delay, delayed_before = tonumber(ARGV[5]), tonumber(ARGV[6])
local given = tonumber(ARGV[8])
local FIRST = 8 -- the places follow
local is_listed = #ARGV > FIRST

local function place_at(i)
  return is_listed and tonumber(ARGV[FIRST + i]) or i - 1
end

local places = redis.call('LRANGE', claim, 0, -1)
local lost = {}

if #places == 0 then
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
  redis.call('ZREM', q.leases, token)
  return lost
end

local settled, over, front = {}, {}, {}
local after = stone(verb)
for i = 1, given do
  local place = place_at(i)
  local body = places[place + 1]
  if not body or is_stone(body) then
    if not (again and body == after) then
      lost[#lost + 1] = i
    end
  else
    settled[#settled + 1] = place
    places[place + 1] = after
    if verb == 'A' or verb == 'D' then
      over[#over + 1] = body
    end
    if verb == 'D' then
      front[#front + 1] = ARGV[FIRST + given + i]
    elseif verb ~= 'A' then
      front[#front + 1] = framed(body, verb == 'F' and 1 or 0, token, place)
    end
  end
end
if #settled == 0 then
  return lost
end

count_ready(q)
if verb == 'D' then
  count_ready(dead)
end
begin(q.leases)
if verb == 'D' then
  push_tails(dead, admit(dead, front))
  keep_signs(dead)
elseif delay > 0 then
  local due = clock() + delay
  for i = 1, #front do
    redis.call('ZADD', q.delayed, due_score(due, delayed_before + i - 1), front[i])
  end
  note_holders(q, front, 'C', 'D')
elseif verb == 'F' then
  push_tails(q, admit(q, front, 'C'))
elseif verb == 'R' then
  push_heads(q, admit(q, front, 'C'))
end
follow(q, over, 'C')
keep_signs(q)

for i = 1, #places do
  if not is_stone(places[i]) then
    for j = 1, #settled do
      redis.call('LSET', claim, settled[j], after)
    end
    return lost
  end
end
redis.call('DEL', claim)
redis.call('ZREM', q.leases, token)
if spend then
  redis.call('SET', mark, 'done', 'PX', HORIZON)
end
return lost
