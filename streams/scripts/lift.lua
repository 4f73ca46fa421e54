-- Lift the kill switch, but only the one that was seen: whoever has thrown it since wants it down.
--
-- KEYS  kill switch
-- ARGV  what it said when it was seen
-- Gives 1: it is up | 0: another one is down
local now = redis.call('GET', KEYS[1])
if now and now ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
