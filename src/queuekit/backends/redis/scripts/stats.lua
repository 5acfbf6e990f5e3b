-- Count the messages of a queue by state.
--
-- KEYS    queue, landing list, delayed, leases, then the claim list of each token
-- ARGV    tokens of the claims that the caller knows
-- Returns ready, delayed, claimed, then the tokens of claims that the caller does not know
-- Promise One moment, if no token is returned: what goes from one state to another is neither
--         missed nor counted twice. No body is looked at; a list that is none counts nothing.

local known, live = {}, 0
for i = 1, #ARGV do
  known[ARGV[i]] = true
  local claim = KEYS[4 + i]
  local length = redis.pcall('LLEN', claim)
  if type(length) ~= 'table' and length > 0 then
    live = live + length
    for _, verb in ipairs({'A', 'F', 'R', 'D'}) do
      live = live - #redis.call('LPOS', claim, stone(verb), 'COUNT', 0)
    end
  end
end
local ready = redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[2])
local answer = {ready, redis.call('ZCARD', KEYS[3]), live}
local tokens = redis.call('ZRANGE', KEYS[4], 0, -1)
for i = 1, #tokens do
  if not known[tokens[i]] then
    answer[#answer + 1] = tokens[i]
  end
end
return answer
