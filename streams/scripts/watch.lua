-- Take the care of a filled intent's protective orders for a while: one process at a time.
--
-- KEYS  record, protected
-- ARGV  identity, consumer, now (ms), until when (ms)
-- Gives {"WATCHED", epoch, record} | {"BUSY"}: another's until then | {"GONE"}: nothing to watch
local record, protected, identity, now_ms = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[3])
if not redis.call('ZSCORE', protected, identity) then return {'GONE'} end
if redis.call('EXISTS', record) == 0 then
  redis.call('ZREM', protected, identity)
  return {'GONE'}
end
local held = redis.call('HMGET', record, 'watch_until_ms', 'watch_owner')
if held[1] and tonumber(held[1]) > now_ms and held[2] ~= ARGV[2] then return {'BUSY'} end
local epoch = redis.call('HINCRBY', record, 'watch_epoch', 1)
redis.call('HSET', record, 'watch_owner', ARGV[2], 'watch_until_ms', ARGV[4])
redis.call('ZADD', protected, 'XX', ARGV[4], identity)
return {'WATCHED', epoch, redis.call('HGETALL', record)}
