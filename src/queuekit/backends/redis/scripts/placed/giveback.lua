-- Undo a claim whose caller is gone, where the queue keeps places.
--
-- KEYS    the twelve of the queue, claim list of the token, mark of the token
-- ARGV    token
-- Returns how many messages went back
-- Promise That of giveback.lua, by level; a message that holds its group holds it still.

local q = queue_at(1)
local claim, mark = KEYS[HELD + 1], KEYS[HELD + 2]
local token = ARGV[1]
local places = redis.call('LRANGE', claim, 0, -1)
local back = {}
for i = 1, #places do
  if not is_stone(places[i]) then
    back[#back + 1] = framed(places[i], 0, token, i - 1)
  end
end
count_ready(q)
begin(q.leases)
if redis.call('EXISTS', mark) == 0 then -- of an expired claim it tells more
  redis.call('SET', mark, 'done', 'PX', HORIZON)
end
push_heads(q, admit(q, back, 'C'))
redis.call('DEL', claim)
redis.call('ZREM', q.leases, token)
keep_signs(q)
return #back
