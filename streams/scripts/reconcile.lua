-- Set the position that the guard reckons with to what the exchange says, unless ours has changed
-- since before the exchange was asked, or something is in flight.
--
-- KEYS  exposure, open symbols
-- ARGV  symbol, our position before it was asked ("" for none), and the exchange's: signed, in 1e-8
-- Gives 1 | 0: nothing was done
local field, inflight = 'position:' .. ARGV[1], 'inflight:' .. ARGV[1]
if (redis.call('HGET', KEYS[1], field) or '') ~= ARGV[2] then return 0 end
if redis.call('HEXISTS', KEYS[1], inflight) == 1 then return 0 end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], field)
  redis.call('SREM', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], field, ARGV[3])
  redis.call('SADD', KEYS[2], ARGV[1])
end
return 1
