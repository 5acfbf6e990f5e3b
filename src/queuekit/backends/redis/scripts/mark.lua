-- Remember a value under a key for a time.
--
-- KEYS    key
-- ARGV    name of this call, value, window in ms, again (1 from the second send of this call on)
-- Returns false if it is remembered now, else the value that is there
-- Promise Of several callers one gets false, however often each sends.

local own = ARGV[1] .. ':' .. ARGV[2]
local known = redis.call('GET', KEYS[1])
if not known then
  redis.call('SET', KEYS[1], own, 'PX', ARGV[3])
  return false
end
if ARGV[4] == '1' and known == own then
  return false
end
return string.sub(known, string.find(known, ':', 1, true) + 1)
