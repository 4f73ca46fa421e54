-- Take or renew a consumer's heartbeat, unless another process holds it.
--
-- KEYS  heartbeat
-- ARGV  our value, TTL (ms), the value we may replace beside our own ("" for none)
-- Gives {} where it is ours now | {the other's value, its remaining time in ms}
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] and held ~= ARGV[3] then
  return {held, redis.call('PTTL', KEYS[1])}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {}
