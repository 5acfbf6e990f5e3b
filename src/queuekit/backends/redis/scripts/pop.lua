-- Remove the oldest ready bodies.
--
-- KEYS    landing list, queue
-- ARGV    limit
-- Returns bodies, oldest first; WAKE and nothing else where the queue keeps places
-- Promise The landing list is the front of the ready messages.

local landing, queue = unpack(KEYS)
local limit = tonumber(ARGV[1])
local bodies = redis.call('LPOP', landing, limit)
if not bodies then
  return redis.call('LPOP', queue, limit) or {}
end
if bodies[1] == WAKE then
  for i = #bodies, 1, -1 do
    redis.call('LPUSH', landing, bodies[i])
  end
  return {WAKE}
end
local landed = #bodies
if landed < limit then
  -- A key of another kind is for the next call to report: this one has removed bodies.
  local rest = redis.pcall('LPOP', queue, limit - landed)
  for i = 1, rest and not rest.err and #rest or 0 do
    bodies[landed + i] = rest[i]
  end
end
return bodies
