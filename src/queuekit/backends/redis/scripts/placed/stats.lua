-- Count the messages of a queue by state, where it keeps places.
--
-- KEYS    the twelve of the queue, then the claim list of each token
-- ARGV    tokens of the claims that the caller knows
-- Returns as stats.lua does
-- Promise That of stats.lua. Who waits for a group is ready.

local q = queue_at(1)
local known, live = {[SIGN] = true}, 0
for i = 1, #ARGV do
  known[ARGV[i]] = true
  local claim = KEYS[HELD + i]
  local length = redis.pcall('LLEN', claim)
  if type(length) ~= 'table' and length > 0 then
    live = live + length
    for _, verb in ipairs({'A', 'F', 'R', 'D'}) do
      live = live - #redis.call('LPOS', claim, stone(verb), 'COUNT', 0)
    end
  end
end
local answer = {count_ready(q), redis.call('ZCARD', q.delayed), live}
local tokens = redis.call('ZRANGE', q.leases, 0, -1)
for i = 1, #tokens do
  if not known[tokens[i]] then
    answer[#answer + 1] = tokens[i]
  end
end
return answer
