-- Undo a claim whose caller is gone, whether or not it reached the server yet.
--
-- KEYS    queue, landing list, leases, claim list of the token, mark of the token
-- ARGV    token
-- Returns how many messages went back
-- Promise What the claim holds goes back to the head, uncounted, and the token is over: a claim
--         that is still on its way takes nothing.

local queue, landing, leases, claim, mark = unpack(KEYS)
local token = ARGV[1]
local places = redis.call('LRANGE', claim, 0, -1)
local back = {}
for i = 1, #places do
  if not is_stone(places[i]) then
    back[#back + 1] = framed(places[i], 0, token, i - 1)
  end
end
redis.call('LLEN', queue)
redis.call('LLEN', landing)
begin(leases)
if redis.call('EXISTS', mark) == 0 then -- of an expired claim it tells more
  redis.call('SET', mark, 'done', 'PX', HORIZON)
end
if #back > 0 then
  push_front(queue, landing, back)
end
redis.call('DEL', claim)
redis.call('ZREM', leases, token)
return #back
