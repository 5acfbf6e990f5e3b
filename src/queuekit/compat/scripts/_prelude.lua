-- Put before every other script of this layout. A script touches its KEYS and nothing else.
--
-- The layout is that of SafeRedisQueue 3.0, whose own processes may work on the same keys at any
-- time: uids wait in the queue (pushed left, taken right), are in flight in ackbuf and then backup
-- (newest left), and the hash has their items.

local CHUNK = 1000 -- values that one command may take: unpack() fails at some thousands
local STUCK = 60000 -- ms at the least that a lock without an expiry is left alone

-- A first write that needs no memory: at maxmemory the first write of a script decides whether
-- the others are refused, and a full server must stay drainable. It also checks the type.
local function begin(items)
  redis.call('HDEL', items, '')
end

-- Take *uid* out of flight; tell whether it was.
local function land(ackbuf, backup, uid)
  return redis.call('LREM', ackbuf, 0, uid) + redis.call('LREM', backup, 0, uid) > 0
end

-- One turn of the recovery, unless the lock says that the last one is not an interval ago: what
-- is in backup was in flight for an interval at the least and goes to the tail of the queue, then
-- ackbuf becomes backup. A uid without an item is dropped. Return how many uids were looked at.
local function recover(queue, ackbuf, backup, lock, items, interval, limit)
  if redis.call('EXISTS', lock) == 1 then
    if redis.call('PTTL', lock) == -1 then
      -- An old process moves the backup at this moment, or died of it.
      redis.call('PEXPIRE', lock, math.max(interval, STUCK))
    end
    return 0
  end
  local looked = 0
  while looked < limit do
    local uid = redis.call('RPOP', backup)
    if not uid then
      break
    end
    looked = looked + 1
    if redis.call('HEXISTS', items, uid) == 1 then
      redis.call('LPUSH', queue, uid)
    end
  end
  if redis.call('EXISTS', backup) == 0 and redis.call('EXISTS', ackbuf) == 1 then
    redis.call('RENAME', ackbuf, backup)
    redis.call('SET', lock, '1', 'PX', interval)
  end
  return looked
end
