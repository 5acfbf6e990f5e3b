-- Let the lease of a claim end later.
--
-- KEYS    leases, claim list of the token
-- ARGV    token, lease in ms, places...
-- Returns the positions (from 1) among the given places that are not held any more
-- Promise The lease never ends earlier than before. An expired claim that nobody recovered is
--         still its owner's.

local leases, claim = unpack(KEYS)
local token = ARGV[1]
local given = #ARGV - 2
local lost = {}
for i = 1, given do
  local body = redis.call('LINDEX', claim, tonumber(ARGV[2 + i]))
  if not body or is_stone(body) then
    lost[#lost + 1] = i
  end
end
if #lost < given then
  local deadline = clock() + tonumber(ARGV[2])
  local before = redis.call('ZSCORE', leases, token)
  begin(leases)
  if not before or tonumber(before) < deadline then
    redis.call('ZADD', leases, text(deadline), token)
  end
end
return lost
