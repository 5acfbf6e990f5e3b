-- Move delayed messages to another queue, where they are due at the same time.
--
-- KEYS    delayed, delayed of the target, leases
-- ARGV    for each: score, attempts and id as they stand in its frame, new body
-- Returns the positions (from 1) of those that are not delayed any more
-- Promise One step. What went elsewhere since it was looked at, or counts another attempt, stays
--         as it is, and nothing is stored for it.

local from, to, leases = unpack(KEYS)
local lost, taken, old, new = {}, {}, {}, {}

local function find(score, name)
  for _, body in ipairs(redis.call('ZRANGEBYSCORE', from, score, score)) do
    if is_framed(body) and string.sub(body, 4, HEAD) == name and not taken[body] then
      return body
    end
  end
end

redis.call('ZCARD', to)
for i = 1, #ARGV, 3 do
  local body = find(ARGV[i], ARGV[i + 1])
  if body then
    taken[body] = true
    old[#old + 1] = body
    new[#new + 1] = ARGV[i]
    new[#new + 1] = ARGV[i + 2]
  else
    lost[#lost + 1] = (i + 2) / 3
  end
end
if #old > 0 then
  begin(leases)
  append('ZADD', to, new, 1, #new)
  append('ZREM', from, old, 1, #old)
end
return lost
