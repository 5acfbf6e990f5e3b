-- Forget what is ready or delayed, where the queue keeps places.
--
-- KEYS    the twelve of the queue
-- ARGV    none
-- Returns how many messages
-- Promise What is claimed stays with its owner, and so does its group.

local q = queue_at(1)
local count = count_ready(q) + redis.call('ZCARD', q.delayed)
redis.call('UNLINK', q.landing, q.delayed, q.waiting, unpack(in_turn(q)))
local groups = redis.call('HGETALL', q.busy)
for i = 1, #groups, 2 do
  local holder = holder_of(q, groups[i])
  if holder.state == 'C' then
    holder.first, holder.after = 0, 0
    hold(q, groups[i], holder)
  else
    redis.call('HDEL', q.busy, groups[i])
  end
end
keep_signs(q)
return count
