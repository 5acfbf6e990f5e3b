-- Look at the oldest ready bodies.
--
-- KEYS    landing list, queue
-- ARGV    limit
-- Returns bodies, oldest first
-- Promise Nothing is changed, and no message is seen twice while it lands.

local landing, queue = unpack(KEYS)
local limit = tonumber(ARGV[1])
local bodies = redis.call('LRANGE', landing, 0, limit - 1)
local landed = #bodies
if landed < limit then
  local rest = redis.call('LRANGE', queue, 0, limit - landed - 1)
  for i = 1, #rest do
    bodies[landed + i] = rest[i]
  end
end
return bodies
