-- Make the messages of expired claims ready.
--
-- KEYS    queue, landing list, leases, then for each token: claim list, mark
-- ARGV    tokens, by deadline
-- Returns number of claims that ended, then the tokens whose list was no list
-- Promise What was acked or extended since the look is left alone. Live messages go back to the
--         head with an attempt counted, the earliest claim in front; the mark says which places
--         were live. A claim that cannot be read loses its lease, so that it stops no others.
--         Claims beyond 2000 messages in all are left for the next call.

local queue, landing, leases = KEYS[1], KEYS[2], KEYS[3]
local time = clock()
local BUDGET = 2000

local chosen, broken = {}, {}
local messages = 0
for i = 1, #ARGV do
  local token, claim, mark = ARGV[i], KEYS[2 + 2 * i], KEYS[3 + 2 * i]
  local deadline = redis.call('ZSCORE', leases, token)
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
redis.call('LLEN', queue)
redis.call('LLEN', landing)

begin(leases)
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
    push_front(queue, landing, back)
    redis.call('SET', mark, table.concat(live, ','), 'PX', HORIZON)
  end
  redis.call('ZREM', leases, token)
  redis.call('DEL', claim)
end
for i = 1, #broken do
  redis.call('ZREM', leases, broken[i])
end
return {#chosen + #broken, unpack(broken)}
