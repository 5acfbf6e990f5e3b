-- Make the messages of expired claims ready, where the queue keeps places.
--
-- KEYS    the twelve of the queue, then for each token: claim list, mark
-- ARGV    tokens, by deadline
-- Returns as recover.lua does
-- Promise That of recover.lua, by level; a message that holds its group holds it still.

local q = queue_at(1)
local time = clock()
local BUDGET = 2000

local chosen, broken = {}, {}
local messages = 0
for i = 1, #ARGV do
  local token, claim, mark = ARGV[i], KEYS[HELD - 1 + 2 * i], KEYS[HELD + 2 * i]
  local deadline = redis.call('ZSCORE', q.leases, token)
  if deadline and token ~= SIGN and tonumber(deadline) <= time then
    local length = redis.pcall('LLEN', claim)
    if type(length) == 'table' then
      broken[#broken + 1] = token
    elseif messages == 0 or messages + length <= BUDGET then
      messages = messages + length
      chosen[#chosen + 1] = {token, claim, mark}
    else
      break
    end
  end
end
count_ready(q)

begin(q.leases)
for i = #chosen, 1, -1 do
  local token, claim, mark = unpack(chosen[i])
  local places = redis.call('LRANGE', claim, 0, -1)
  local back, live = {}, {}
  for j = 1, #places do
    if not is_stone(places[j]) then
      back[#back + 1] = framed(places[j], 1, token, j - 1)
      live[#live + 1] = text(j - 1)
    end
  end
  if #back > 0 then
    push_heads(q, admit(q, back, 'C'))
    redis.call('SET', mark, table.concat(live, ','), 'PX', HORIZON)
  end
  redis.call('ZREM', q.leases, token)
  redis.call('DEL', claim)
end
for i = 1, #broken do
  redis.call('ZREM', q.leases, broken[i])
end
keep_signs(q)
return {#chosen + #broken, unpack(broken)}
