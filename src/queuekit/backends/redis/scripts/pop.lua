-- Remove the oldest ready bodies.
--
-- KEYS    landing list, queue
-- ARGV    limit
-- Returns bodies, oldest first; WAKE and nothing else where the queue keeps places
-- Promise The landing list is the front of the ready messages.

local landing, queue = unpack(KEYS)
local limit = tonumber(ARGV[1])
redis.call('LLEN', queue)
local bodies = redis.call('LPOP', landing, limit) or {}
if bodies[1] == WAKE then
  for i = #bodies, 1, -1 do
    redis.call('LPUSH', landing, bodies[i])
  end
  return {WAKE}
end
local landed = #bodies
if landed < limit then
  local rest = redis.call('LPOP', queue, limit - landed) or {}
  if landed == 0 then
    return rest
  end
  for i = 1, #rest do
    bodies[landed + i] = rest[i]
  end
end
return bodies
